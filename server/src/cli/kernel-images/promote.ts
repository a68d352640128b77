import { copyImage, type ByteSource, type ImageStore } from '@clean-room/oci';
import { digestOf, utf8, type Digest } from '@clean-room/protocol/bytes';
import { canonicalJson, type Envelope } from '@clean-room/protocol/documents';
import { MANIFEST_TYPE } from '@clean-room/protocol/packaging';
import type { ImageFolder } from './image-folder.js';

const STATEMENT_TYPE = 'application/vnd.clean-room.kernel-image.v1+dsse+json';
/** OCI descriptors contain media types without parameters. */
const SBOM_TYPE = 'application/vnd.cyclonedx+json';
const EMPTY_TYPE = 'application/vnd.oci.empty.v1+json';
const EMPTY = utf8('{}');

function inMemory(bytes: Uint8Array): ByteSource {
  return async function* () {
    yield bytes;
  };
}

/** Returns the tag under which a registry has the signed statement of an image. */
export function statementTag(image: Digest): string {
  return `${image.replace(':', '-')}.statement`;
}

/**
 * Copies a kernel image into another store by its digest, together with its signed statement and its bill of materials. These
 * two are an OCI artifact that refers to the image. What the store already has is not copied again.
 *
 * @returns the digest of the artifact
 * @throws CleanRoomError `image-unknown`, `digest-mismatch`, `registry-failed`
 */
export async function promoteKernelImage(
  from: ImageStore,
  to: ImageStore,
  image: ImageFolder,
  statement: Envelope
): Promise<Digest> {
  if (!(await to.hasManifest(image.digest))) await copyImage(from, to, image.digest);
  const descriptor = async (mediaType: string, bytes: Uint8Array) => {
    const digest = digestOf(bytes);
    await to.writeBlob(digest, bytes.length, inMemory(bytes));
    return { mediaType, digest, size: bytes.length };
  };
  const manifest = canonicalJson({
    schemaVersion: 2,
    mediaType: MANIFEST_TYPE,
    artifactType: STATEMENT_TYPE,
    config: await descriptor(EMPTY_TYPE, EMPTY),
    layers: [
      await descriptor(STATEMENT_TYPE, canonicalJson(statement)),
      await descriptor(SBOM_TYPE, image.sbom.bytes)
    ],
    subject: { mediaType: MANIFEST_TYPE, digest: image.digest, size: image.manifest.length }
  });
  const tag = statementTag(image.digest);
  const artifact = digestOf(manifest);
  if ((await to.resolve(tag)) !== artifact) await to.writeManifest(manifest, tag);
  return artifact;
}
