import { existsSync } from 'node:fs';
import path from 'node:path';
import { CleanRoomError } from '@clean-room/protocol/errors';
import type { Register } from '../context.js';
import { readSubmissionFiles } from '../submission/files.js';
import { lockedNotebook } from '../submission/lock.js';
import { composeOffline } from '../submission/compose.js';

/** Works out the identity of the program that a notebook would be, as anyone can. */
export const registerMeasure: Register = (program, act) => {
  program
    .command('measure <notebook>')
    .description('work out spec and image digest from the files here; needs neither server nor image')
    .action(
      act(async ({ terminal }, named: string) => {
        const file = path.resolve(terminal.folder, named);
        if (!existsSync(file)) throw new CleanRoomError('not-found', `${file} is not there.`);
        const [folder, notebook] = [path.dirname(file), path.basename(file)];
        const locked = await lockedNotebook(folder, notebook);
        const files = await readSubmissionFiles(folder, notebook, locked.files);
        const { spec, revision } = await composeOffline(
          locked,
          files,
          terminal.env['CLEAN_ROOM_KERNEL_IMAGES']
        );
        return {
          value: { spec: spec.digest, image: revision.imageDigest, imageId: revision.imageId },
          lines: [
            `spec   ${spec.digest}`,
            `image  ${revision.imageDigest}`,
            `${files.files.length} ${files.files.length === 1 ? 'file' : 'files'} on kernel image ${spec.value.kernelImage}`
          ]
        };
      })
    );
};
