import { createHash } from 'node:crypto';
import { Enums, Models, Serialize, Spec } from '@cyclonedx/cyclonedx-library';
import { PackageURL } from 'packageurl-js';
import { utf8, type Digest } from '@clean-room/protocol/bytes';
import type { ImageLock } from '../definition/lock.js';
import type { InputCache } from '../inputs/input-cache.js';
import { debianComponents, npmComponents, ownComponents, pythonComponents } from './components.js';
import { licenceText } from './licences.js';

/** The input of `describeMaterials`. */
export interface MaterialsOptions {
  /** The folder of the project. Its supervisor must have been compiled. */
  readonly root: string;
  readonly lock: ImageLock;
  /** The inputs of the lock, all of which must be in the cache. */
  readonly inputs: InputCache;
  readonly name: string;
  /** The digest of the image. */
  readonly digest: Digest;
}

/** The materials of an image. Both files depend only on the lock, the inputs, the project's sources and the image's digest. */
export interface Materials {
  /** A bill of materials: CycloneDX 1.6 in JSON. */
  readonly sbom: Uint8Array;
  /** The licence of each component, one in each line. */
  readonly licences: Uint8Array;
}

/** Returns a UUID (RFC 9562, version 8) that is derived from the image's digest. */
function serialNumber(digest: Digest): string {
  const bytes = createHash('sha256').update(`clean-room:sbom:v1\0${digest}`).digest().subarray(0, 16);
  bytes.writeUInt8(((bytes[6] ?? 0) & 0x0f) | 0x80, 6);
  bytes.writeUInt8(((bytes[8] ?? 0) & 0x3f) | 0x80, 8);
  const hex = bytes.toString('hex');
  return `urn:uuid:${[hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')}`;
}

function describeImage(
  name: string,
  digest: Digest,
  components: readonly Models.Component[]
): Models.Component {
  const purl = new PackageURL('oci', undefined, name, digest, { arch: 'amd64' }, undefined).toString();
  return new Models.Component(Enums.ComponentType.Container, name, {
    version: digest,
    purl,
    bomRef: purl,
    hashes: new Models.HashDictionary([[Enums.HashAlgorithm['SHA-256'], digest.slice('sha256:'.length)]]),
    dependencies: new Models.BomRefRepository(components.map(({ bomRef }) => bomRef))
  });
}

function licenceList(name: string, digest: Digest, components: readonly Models.Component[]): string {
  const lines = components.map(component => {
    const licences = [...component.licenses].map(licenceText).sort();
    return `${component.purl ?? component.name}  ${licences.join('; ')}`;
  });
  return [`Licences of ${name}, ${digest}`, '', ...lines.sort(), ''].join('\n');
}

/**
 * Lists what an image is made of: Debian packages, Python wheels, the npm packages in the supervisor's bundle, Node.js and this
 * project's own parts, with their licences. It is derived from the locked inputs, and does not read the image.
 *
 * @throws CleanRoomError `malformed` when an input does not state its licence, `not-found` when the supervisor is not compiled
 */
export async function describeMaterials(options: MaterialsOptions): Promise<Materials> {
  const { root, lock, inputs, name, digest } = options;
  const components = [
    ...(await debianComponents(lock, inputs)),
    ...(await pythonComponents(lock, inputs)),
    ...(await npmComponents(root)),
    ...(await ownComponents(root))
  ];
  const bom = new Models.Bom({
    serialNumber: serialNumber(digest),
    metadata: new Models.Metadata({ component: describeImage(name, digest, components) }),
    components: new Models.ComponentRepository(components)
  });
  const serializer = new Serialize.JsonSerializer(new Serialize.JSON.Normalize.Factory(Spec.Spec1dot6));
  const text = serializer.serialize(bom, { sortLists: true, space: 2 });
  return { sbom: utf8(`${text}\n`), licences: utf8(licenceList(name, digest, components)) };
}
