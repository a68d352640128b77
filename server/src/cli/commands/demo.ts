import path from 'node:path';
import { asDigest, type Digest } from '@clean-room/protocol/bytes';
import type { CommandContext, Register } from '../context.js';
import type { CommandResult } from '../terminal/answer.js';

interface Options {
  readonly folder: string;
  readonly images: string;
  readonly simulatorRoot?: string;
  readonly coordinatorUrl: string;
  readonly custodianOrigin: string;
  readonly custodianListen: string;
}

/** The simulator is a part of its own, and not there in production: it is asked for only here. */
async function simulatorRoot(folder: string, now: Date): Promise<Digest> {
  const { openIdentity } = await import('@clean-room/simulator');
  return (await openIdentity(folder, now)).root.sha256;
}

async function found({ terminal }: CommandContext, options: Options): Promise<CommandResult> {
  const { foundDemo } = await import('../demo/found.js');
  const { DemoLayout } = await import('../demo/layout.js');
  const folder = path.resolve(terminal.folder, options.folder);
  const { simulatorIdentity } = new DemoLayout(folder);
  const kernelImages = terminal.env['CLEAN_ROOM_KERNEL_IMAGES'];
  const now = terminal.now();
  const { layout, trust } = await foundDemo({
    folder,
    simulatorRoot:
      options.simulatorRoot === undefined
        ? await simulatorRoot(simulatorIdentity, now)
        : asDigest(options.simulatorRoot),
    places: {
      coordinatorUrl: options.coordinatorUrl,
      custodianOrigins: { hospital: options.custodianOrigin },
      custodianHost: options.custodianListen,
      images: path.resolve(terminal.folder, options.images)
    },
    now,
    ...(kernelImages === undefined ? {} : { kernelImages })
  });
  return {
    value: { folder: layout.root, person: layout.person, policy: layout.policy('visits'), trust },
    lines: [
      `The demo is founded in ${layout.root}.`,
      `CLEAN_ROOM_HOME=${layout.person}`,
      `Serve it with: clean-room serve --demo ${layout.root}`
    ]
  };
}

/** Founds what the demo needs before anything runs. */
export const registerDemo: Register = (program, act) => {
  program
    .command('demo')
    .description('what the demo needs')
    .command('found')
    .description('found the demo’s parties, keys, collaboration and trust roots; what is there is kept')
    .option('--folder <folder>', 'where all of it lies', '.clean-room')
    .option('--images <folder>', 'the OCI layout with the kernel images', '.cache/kernel-images/layout')
    .option('--simulator-root <digest>', 'SHA-256 of another simulator’s root certificate')
    .option('--coordinator-url <url>', 'where the coordinator listens', 'http://127.0.0.1:8787')
    .option(
      '--custodian-origin <origin>',
      'where the hospital’s custodian is',
      'http://hospital.localhost:8788'
    )
    .option(
      '--custodian-listen <address>',
      'the address it listens on; another than loopback only in a container whose port is published to loopback',
      '127.0.0.1'
    )
    .action(act(found));
};
