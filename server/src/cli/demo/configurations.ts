import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { writeFileAtomic } from '@clean-room/node-support';
import type { PublicKey } from '@clean-room/protocol/documents';
import { checkCoordinatorConfig, DEFAULT_LIMITS } from '../../coordinator/config.js';
import { checkCustodianConfig, CUSTODIAN_FILE, ensureSigningKey } from '../../custodian/index.js';
import { writeJson, type DemoLayout } from './layout.js';
import { DEMO_PARTIES, DEMO_PROVIDERS, type CustodianOrigins, type DemoProvider } from './providers.js';

/** The addresses of the demo's services, and the folder of its images. */
export interface DemoLocations {
  readonly coordinatorUrl: string;
  readonly custodianOrigins: CustodianOrigins;
  /** The address that custodians listen on. */
  readonly custodianHost: string;
  /** The OCI layout folder with the kernel images. */
  readonly images: string;
}

/** Writes a random token to a file, unless the file exists. */
async function ensureToken(file: string): Promise<void> {
  if (existsSync(file)) return;
  await mkdir(path.dirname(file), { recursive: true, mode: 0o700 });
  await writeFileAtomic(file, `${randomBytes(32).toString('base64url')}\n`, 0o600);
}

function portOf(url: string): number {
  const { port, protocol } = new URL(url);
  return port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port);
}

const personToken = (layout: DemoLayout): string => path.join(layout.person, 'token');
const custodianToken = (layout: DemoLayout, party: string): string =>
  path.join(layout.custodian(party), 'token');

/** Returns the public key of the demo's log. The key is created once. */
export async function demoLogKey(layout: DemoLayout): Promise<PublicKey> {
  return (await ensureSigningKey(path.join(layout.coordinator, 'log.key'))).publicKey;
}

/** Writes the configuration of the demo's coordinator, and the keys and tokens that it names. */
export async function configureCoordinator(
  layout: DemoLayout,
  locations: DemoLocations,
  kernelImages: readonly string[]
): Promise<void> {
  const custodians = DEMO_PROVIDERS.map(({ party }) => party);
  const at = (...parts: string[]): string => path.join(layout.coordinator, ...parts);
  await demoLogKey(layout);
  await ensureSigningKey(at('job.key'));
  await ensureToken(personToken(layout));
  for (const party of custodians) await ensureToken(custodianToken(layout, party));
  const config = {
    mode: 'development',
    listen: { host: '127.0.0.1', port: portOf(locations.coordinatorUrl) },
    logLevel: 'warn',
    database: `pglite:${at('database')}`,
    objects: `folder:${at('objects')}`,
    images: { kind: 'layout', folder: path.resolve(locations.images) },
    kernelImages: kernelImages.map(name => layout.kernelImage(name)),
    logKeyFile: at('log.key'),
    jobSecretFile: at('job.key'),
    authentication: {
      kind: 'embedded',
      tokenFile: personToken(layout),
      acts: DEMO_PARTIES.map(party => ({ party, person: 'demo' }))
    },
    custodians: custodians.map(party => ({ party, tokenFile: custodianToken(layout, party) })),
    backend: { kind: 'local', folder: layout.simulator },
    limits: DEFAULT_LIMITS
  };
  await writeJson(layout.coordinatorConfig, checkCoordinatorConfig(config, layout.coordinatorConfig));
}

/** Writes the configuration of a provider's custodian. */
export async function configureCustodian(
  layout: DemoLayout,
  locations: DemoLocations,
  { party }: DemoProvider,
  rootKey: PublicKey
): Promise<void> {
  const origin = locations.custodianOrigins[party];
  const config = {
    mode: 'development',
    party,
    rootKey,
    listen: { host: locations.custodianHost, port: portOf(origin) },
    logLevel: 'warn',
    origin,
    hosting: 'co-hosted',
    coordinator: locations.coordinatorUrl,
    tokenFile: 'token',
    database: 'pglite:database',
    approvalDays: 30,
    demo: { rootKeyFile: layout.rootKey(party), rosterFile: layout.roster(party) }
  };
  const file = path.join(layout.custodian(party), CUSTODIAN_FILE);
  await writeJson(file, checkCustodianConfig(config, file));
}
