import path from 'node:path';
import { asDigest, type Digest } from '@clean-room/protocol/bytes';
import type { CommandContext, Register } from '../context.js';
import type { CommandResult } from '../terminal/result.js';

interface Options {
  readonly folder: string;
  readonly images: string;
  readonly simulatorRoot?: string;
  readonly coordinatorUrl: string;
  readonly custodianOrigin: string;
  readonly custodianListen: string;
}

/** Returns the digest of the simulator's root certificate. Production installations do not include the simulator. */
async function simulatorRoot(folder: string, now: Date): Promise<Digest> {
  const { openIdentity } = await import('@clean-room/simulator');
  return (await openIdentity(folder, now)).root.sha256;
}

async function create({ terminal }: CommandContext, options: Options): Promise<CommandResult> {
  const { createDemo } = await import('../demo/create.js');
  const { DemoLayout } = await import('../demo/layout.js');
  const folder = path.resolve(terminal.folder, options.folder);
  const { simulatorIdentity } = new DemoLayout(folder);
  const kernelImages = terminal.env['CLEAN_ROOM_KERNEL_IMAGES'];
  const now = terminal.now();
  const { layout, trust } = await createDemo({
    folder,
    simulatorRoot:
      options.simulatorRoot === undefined
        ? await simulatorRoot(simulatorIdentity, now)
        : asDigest(options.simulatorRoot),
    locations: {
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
      `The demo is set up in ${layout.root}.`,
      `CLEAN_ROOM_HOME=${layout.person}`,
      `Start it with: clean-room serve --demo ${layout.root}`
    ]
  };
}

/** Adds `demo create`, which sets the demo up before it is started. */
export const registerDemo: Register = (program, act) => {
  program
    .command('demo')
    .description('Set up the demo')
    .command('create')
    .description(
      'Create the parties, keys, collaboration and trust roots of the demo; existing ones are kept'
    )
    .option('--folder <folder>', 'Folder of the demo', '.clean-room')
    .option('--images <folder>', 'OCI layout folder with the kernel images', '.cache/kernel-images/layout')
    .option('--simulator-root <digest>', 'Digest of the root certificate of another simulator')
    .option('--coordinator-url <url>', 'Address of the coordinator', 'http://127.0.0.1:8787')
    .option(
      '--custodian-origin <origin>',
      'Origin of the hospital’s custodian',
      'http://hospital.localhost:8788'
    )
    .option(
      '--custodian-listen <address>',
      'Address that the custodian listens on; use an address other than loopback only in a container whose port is published to loopback',
      '127.0.0.1'
    )
    .action(act(create));
};
