import path from 'node:path';
import { Option } from 'commander';
import { asDigest, type Digest } from '@clean-room/protocol/bytes';
import { CleanRoomError } from '@clean-room/protocol/errors';
import type { CommandContext, Register } from '../context.js';
import { DEMO_PROVIDERS, type CustodianOrigins } from '../demo/providers.js';
import type { CommandResult } from '../terminal/result.js';
import { collectPairs } from './options.js';

const DEFAULT_ORIGINS = Object.fromEntries(
  DEMO_PROVIDERS.map(({ party, origin }) => [party, origin])
) as CustodianOrigins;

interface Options {
  readonly folder: string;
  readonly images: string;
  readonly simulatorRoot?: string;
  readonly coordinatorUrl: string;
  readonly custodianOrigin: CustodianOrigins;
  readonly custodianListen: string;
}

/** Returns the digest of the simulator's root certificate. Production installations do not include the simulator. */
async function simulatorRoot(folder: string, now: Date): Promise<Digest> {
  const { openIdentity } = await import('@clean-room/simulator');
  return (await openIdentity(folder, now)).root.sha256;
}

/** Refuses origins of parties that are not providers of the demo, and one host name for two custodians. */
function requireCustodianOrigins(origins: CustodianOrigins): CustodianOrigins {
  const unknown = Object.keys(origins).find(party => !(party in DEFAULT_ORIGINS));
  if (unknown !== undefined) {
    throw new CleanRoomError('malformed', `${unknown} is not a provider of the demo.`, {
      remedy: `The providers are ${Object.keys(DEFAULT_ORIGINS).join(' and ')}.`
    });
  }
  // Browsers do not separate cookies and passkeys by port.
  const hosts = Object.values(origins).map(origin => URL.parse(origin)?.hostname);
  if (new Set(hosts).size < hosts.length) {
    throw new CleanRoomError('malformed', 'Two custodians of the demo have the same host name.', {
      remedy: 'Give each custodian a host name of its own, for example one that ends in .localhost.'
    });
  }
  return origins;
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
      custodianOrigins: requireCustodianOrigins(options.custodianOrigin),
      custodianHost: options.custodianListen,
      images: path.resolve(terminal.folder, options.images)
    },
    now,
    ...(kernelImages === undefined ? {} : { kernelImages })
  });
  const providers = DEMO_PROVIDERS.map(({ party, dataset }) => ({
    party,
    dataset,
    policy: layout.policy(dataset),
    custodian: layout.custodian(party)
  }));
  return {
    value: { folder: layout.root, person: layout.person, providers, trust },
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
    .addOption(
      new Option('--custodian-origin <party=origin>', 'Origin of a provider’s custodian (repeatable)')
        .argParser(collectPairs)
        .default(
          DEFAULT_ORIGINS,
          Object.entries(DEFAULT_ORIGINS)
            .map(([party, origin]) => `${party}=${origin}`)
            .join(', ')
        )
    )
    .option(
      '--custodian-listen <address>',
      'Address that the custodians listen on; use an address other than loopback only in a container whose ports are published to loopback',
      '127.0.0.1'
    )
    .action(act(create));
};
