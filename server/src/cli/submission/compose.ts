import { createHash } from 'node:crypto';
import type { ReadDocument } from '@clean-room/protocol/documents';
import { composeImage, type KernelImageFiles, type RevisionImage } from '@clean-room/protocol/packaging';
import { readSpec, sortedByName, Spec } from '@clean-room/protocol/submissions';
import { committedKernelImage } from '../../platform/kernel-images/committed.js';
import type { SubmissionFiles } from './files.js';
import type { LockedNotebook } from './lock.js';

/** A spec and the image that it results in. */
export interface ComposedSubmission {
  readonly spec: ReadDocument<Spec>;
  readonly image: RevisionImage;
}

function withoutFiles(locked: LockedNotebook): Omit<LockedNotebook, 'files'> {
  const copy: Partial<LockedNotebook> = { ...locked };
  delete copy.files;
  return copy as Omit<LockedNotebook, 'files'>;
}

/** Writes the spec of a locked notebook with the current files. Equal inputs give equal bytes. */
function writeSpec(locked: LockedNotebook, { notebook, files }: SubmissionFiles): ReadDocument<Spec> {
  const { assets } = locked;
  return readSpec(
    Spec.write({
      format: 'clean-room.spec/v1',
      ...withoutFiles(locked),
      assets: sortedByName(assets, asset => asset.name),
      notebook,
      workspace: sortedByName(files, file => file.path).map(({ path, digest, bytes }) => ({
        path,
        digest,
        bytes
      }))
    })
  );
}

/** Computes the spec and the image of a locked notebook from a kernel image's manifest and config. */
export async function composeForSubmission(
  locked: LockedNotebook,
  files: SubmissionFiles,
  kernelImage: KernelImageFiles
): Promise<ComposedSubmission> {
  const spec = writeSpec(locked, files);
  const image = await composeImage(kernelImage, spec, files.files, () => createHash('sha256'));
  return { spec, image };
}

/**
 * Computes the spec and the image of a locked notebook from committed files only. Neither a server nor the kernel image itself
 * is needed.
 *
 * @param kernelImageFolder - the folder of committed kernel images, the repository's own by default
 */
export async function composeOffline(
  locked: LockedNotebook,
  files: SubmissionFiles,
  kernelImageFolder?: string
): Promise<ComposedSubmission> {
  return composeForSubmission(
    locked,
    files,
    await committedKernelImage(locked.kernelImage, kernelImageFolder)
  );
}
