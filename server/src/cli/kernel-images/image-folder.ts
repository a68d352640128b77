import path from 'node:path';
import { Type } from 'typebox';
import { Check } from 'typebox/value';
import { digestOf, fromUtf8, type Digest } from '@clean-room/protocol/bytes';
import { checkSchema, Envelope, parseStrictJson } from '@clean-room/protocol/documents';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { SBOM_FORMAT, type KernelImageStatement } from '@clean-room/protocol/kernel-images';
import { readKernelImage, type KernelImageFiles } from '@clean-room/protocol/packaging';
import { readOptional, readRequired } from '../files.js';

/** The name of the file with a kernel image's signed statement. */
export const STATEMENT_FILE = 'statement.json';

/** The documents of a kernel image in a folder, as the builder writes them. */
export interface ImageFolder extends KernelImageFiles {
  readonly digest: Digest;
  readonly sbom: { readonly bytes: Uint8Array; readonly named: NonNullable<KernelImageStatement['sbom']> };
}

/** The parts of a bill of materials by which it names its image. */
const SbomOfImage = Type.Object({
  bomFormat: Type.Literal('CycloneDX'),
  specVersion: Type.Literal('1.6'),
  metadata: Type.Object({
    component: Type.Object({
      hashes: Type.Array(Type.Object({ alg: Type.String(), content: Type.String() }))
    })
  })
});

/** Returns whether bytes are a bill of materials (CycloneDX 1.6, JSON) that is about an image. */
function isSbomOf(bytes: Uint8Array, image: Digest): boolean {
  let value: unknown;
  try {
    value = JSON.parse(fromUtf8(bytes));
  } catch {
    return false;
  }
  return (
    Check(SbomOfImage, value) &&
    value.metadata.component.hashes.some(
      ({ alg, content }) => alg === 'SHA-256' && `sha256:${content}` === image
    )
  );
}

/**
 * Reads the documents of a kernel image from `manifest.json`, `config.json` and `sbom.json` in a folder, and checks that they
 * belong together.
 *
 * @throws CleanRoomError `not-found`, `malformed`, `digest-mismatch`
 */
export async function readImageFolder(folder: string): Promise<ImageFolder> {
  const read = (name: string): Promise<Uint8Array> => readRequired(path.join(folder, name));
  const [manifest, config, sbom] = await Promise.all([
    read('manifest.json'),
    read('config.json'),
    read('sbom.json')
  ]);
  const { digest } = readKernelImage({ manifest, config });
  if (!isSbomOf(sbom, digest)) {
    throw new CleanRoomError(
      'digest-mismatch',
      `sbom.json in ${folder} is not the bill of materials of the image ${digest}.`,
      { remedy: 'Build the image again, or run "npx build-kernel sbom" for this image.' }
    );
  }
  return {
    manifest,
    config,
    digest,
    sbom: { bytes: sbom, named: { digest: digestOf(sbom), format: SBOM_FORMAT } }
  };
}

/**
 * Reads the signed statement in the folder of a kernel image.
 *
 * @throws CleanRoomError `not-found` when the image has not been signed, `malformed`
 */
export async function readStatement(folder: string): Promise<Envelope> {
  const file = path.join(folder, STATEMENT_FILE);
  const bytes = await readOptional(file);
  if (bytes !== undefined) return checkSchema(Envelope, parseStrictJson(bytes), 'kernel image statement');
  throw new CleanRoomError('not-found', `The kernel image is not signed: ${file} does not exist.`, {
    remedy: 'Sign it with "clean-room kernel-image sign", or copy the statement of its release there.'
  });
}
