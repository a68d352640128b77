import path from 'node:path';
import { asDigest } from '@clean-room/protocol/bytes';
import type { Register } from '../context.js';
import { DemoLayout, foundDemo } from '../demo/index.js';
import { ensureSigningKey } from '../../custodian/keys/index.js';

interface Options {
  readonly folder: string;
  readonly simulatorRoot: string;
  readonly coordinatorUrl: string;
  readonly custodianOrigin: string;
}

/** Founds what the demo needs before anything runs. */
export const registerDemo: Register = (program, act) => {
  program
    .command('demo')
    .description('what the demo needs')
    .command('found')
    .description('found the demo’s parties, keys, collaboration and trust roots; what is there is kept')
    .option('--folder <folder>', 'where all of it lies', '.clean-room')
    .requiredOption('--simulator-root <digest>', 'SHA-256 of the simulator’s root certificate')
    .option('--coordinator-url <url>', 'where the coordinator will be', 'http://localhost:8787')
    .option(
      '--custodian-origin <origin>',
      'where the hospital’s custodian will be',
      'http://hospital.localhost:8788'
    )
    .action(
      act(async ({ terminal }, options: Options) => {
        const folder = path.resolve(terminal.folder, options.folder);
        const log = await ensureSigningKey(path.join(new DemoLayout(folder).coordinator, 'log.key'));
        const { layout, trust } = await foundDemo({
          folder,
          simulatorRoot: asDigest(options.simulatorRoot),
          log: log.publicKey,
          coordinatorUrl: options.coordinatorUrl,
          custodianOrigin: options.custodianOrigin,
          now: terminal.now(),
          ...(terminal.env['CLEAN_ROOM_KERNEL_IMAGES'] === undefined
            ? {}
            : { kernelImages: terminal.env['CLEAN_ROOM_KERNEL_IMAGES'] })
        });
        return {
          value: { folder: layout.root, person: layout.person, trust },
          lines: [`The demo is founded in ${layout.root}.`, `Its person’s folder is ${layout.person}.`]
        };
      })
    );
};
