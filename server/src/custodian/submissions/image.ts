import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import type { Digest } from '@clean-room/protocol/bytes';
import type { ReadDocument } from '@clean-room/protocol/documents';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { composeImage, type RevisionFile } from '@clean-room/protocol/packaging';
import type { Spec } from '@clean-room/protocol/submissions';
import { routes } from '@clean-room/api/coordinator';
import type { CustodianContext } from '../context.js';

/**
 * Downloads the files of a revision that are not stored here yet, and checks each against its digest.
 *
 * @param id - the submission
 * @param number - the revision's number
 * @throws CleanRoomError `digest-mismatch`, `too-large`
 */
export async function fetchFiles(
  context: CustodianContext,
  id: string,
  number: number,
  spec: Spec
): Promise<RevisionFile[]> {
  const files: RevisionFile[] = [];
  for (const { path, digest, bytes } of spec.workspace) {
    if ((await context.files.size(digest)) === undefined) {
      const { stream } = await context.coordinator.download(routes.getFile, {
        params: { id, number, '*': path }
      });
      await context.files.put(
        digest,
        Readable.fromWeb(stream as Parameters<typeof Readable.fromWeb>[0]),
        bytes
      );
    }
    files.push({
      path,
      digest,
      bytes,
      content: async function* () {
        const { stream } = await context.files.get(digest);
        for await (const chunk of stream) yield chunk as Uint8Array;
      }
    });
  }
  return files;
}

/**
 * Computes the image digest of a spec and its files on this custodian's own copy of the kernel image.
 * @throws CleanRoomError `policy-refused` when this custodian does not have the kernel image
 */
export async function computeImageDigest(
  context: CustodianContext,
  spec: ReadDocument<Spec>,
  files: readonly RevisionFile[]
): Promise<Digest> {
  const kernelImage = context.kernelImages.find(({ digest }) => digest === spec.value.kernelImage);
  if (kernelImage === undefined) {
    throw new CleanRoomError(
      'policy-refused',
      'The submission is based on a kernel image that this custodian does not know.',
      { remedy: 'Update the custodian, or ask for a submission on a kernel image that it knows.' }
    );
  }
  const { imageDigest } = await composeImage(kernelImage, spec, files, () => createHash('sha256'));
  return imageDigest;
}
