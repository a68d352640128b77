import { existsSync } from 'node:fs';
import path from 'node:path';
import { CleanRoomError } from '@clean-room/protocol/errors';
import type { Register } from '../context.js';
import { composeOffline } from '../submission/compose.js';
import { readSubmissionFiles } from '../submission/files.js';
import { lockedNotebook } from '../submission/lock.js';

/** Adds `measure`, with which anyone can compute the image digest of a notebook. */
export const registerMeasure: Register = (program, act) => {
  program
    .command('measure <notebook>')
    .description(
      'Compute the spec and image digests of a notebook from local files, without a server or the kernel image'
    )
    .action(
      act(async ({ terminal }, name: string) => {
        const file = path.resolve(terminal.folder, name);
        if (!existsSync(file)) throw new CleanRoomError('not-found', `${file} does not exist.`);
        const [folder, notebook] = [path.dirname(file), path.basename(file)];
        const locked = await lockedNotebook(folder, notebook);
        const files = await readSubmissionFiles(folder, notebook, locked.files);
        const { spec, image } = await composeOffline(locked, files, terminal.env['CLEAN_ROOM_KERNEL_IMAGES']);
        return {
          value: { spec: spec.digest, image: image.imageDigest, imageId: image.imageId },
          lines: [
            `spec   ${spec.digest}`,
            `image  ${image.imageDigest}`,
            `${files.files.length} ${files.files.length === 1 ? 'file' : 'files'} on kernel image ${spec.value.kernelImage}`
          ]
        };
      })
    );
};
