import { createHash } from 'node:crypto';
import type { ReadDocument } from '@clean-room/protocol/documents';
import { composeImage, type KernelImageFiles, type RevisionImage } from '@clean-room/protocol/packaging';
import { readSpec, sortedByName, Spec } from '@clean-room/protocol/submissions';
import { committedKernelImage } from '../../platform/kernel-images/committed.js';
import type { SubmissionFiles } from './files.js';
import type { LockedNotebook } from './lock.js';

export interface ComposedSubmission {
  readonly spec: ReadDocument<Spec>;
  readonly revision: RevisionImage;
}

function withoutFiles(locked: LockedNotebook): Omit<LockedNotebook, 'files'> {
  const copy: Partial<LockedNotebook> = { ...locked };
  delete copy.files;
  return copy as Omit<LockedNotebook, 'files'>;
}

/** The spec of a locked notebook with the files that are there now. Equal inputs give equal bytes. */
export function specOf(locked: LockedNotebook, { notebook, files }: SubmissionFiles): ReadDocument<Spec> {
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

/** Spec and image of a locked notebook on a kernel image's manifest and config. */
export async function composeForSubmission(
  locked: LockedNotebook,
  files: SubmissionFiles,
  kernelImage: KernelImageFiles
): Promise<ComposedSubmission> {
  const spec = specOf(locked, files);
  const revision = await composeImage(kernelImage, spec, files.files, () => createHash('sha256'));
  return { spec, revision };
}

/** The same from committed files alone: neither server nor image is needed. */
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
