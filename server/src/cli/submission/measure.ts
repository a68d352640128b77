import { createHash } from 'node:crypto';
import type { Read } from '@clean-room/protocol/documents';
import { composeRevision, type KernelImageFiles, type Revision } from '@clean-room/protocol/packaging';
import { readSpec, sortedByName, Spec } from '@clean-room/protocol/submissions';
import { committedKernelImage } from '../../custodian/kernel-images/index.js';
import type { SubmissionFiles } from './files.js';
import type { LockedNotebook } from './lock.js';

export interface Measured {
  readonly spec: Read<Spec>;
  readonly revision: Revision;
}

function withoutFiles(locked: LockedNotebook): Omit<LockedNotebook, 'files'> {
  const copy: Partial<LockedNotebook> = { ...locked };
  delete copy.files;
  return copy as Omit<LockedNotebook, 'files'>;
}

/** The spec of a locked notebook with the files that are there now. Equal inputs give equal bytes. */
export function specOf(locked: LockedNotebook, { notebook, files }: SubmissionFiles): Read<Spec> {
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
export async function measure(
  locked: LockedNotebook,
  files: SubmissionFiles,
  kernelImage: KernelImageFiles
): Promise<Measured> {
  const spec = specOf(locked, files);
  const revision = await composeRevision(kernelImage, spec, files.files, () => createHash('sha256'));
  return { spec, revision };
}

/** The same from committed files alone: neither server nor image is needed. */
export async function measureOffline(
  locked: LockedNotebook,
  files: SubmissionFiles,
  kernelImageFolder?: string
): Promise<Measured> {
  return measure(locked, files, await committedKernelImage(locked.kernelImage, kernelImageFolder));
}
