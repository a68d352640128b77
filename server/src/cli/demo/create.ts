import path from 'node:path';
import type { Digest } from '@clean-room/protocol/bytes';
import { CleanRoomError } from '@clean-room/protocol/errors';
import type { Person } from '@clean-room/protocol/parties';
import type { TrustRoots } from '@clean-room/protocol/receipts';
import { openKeyFolder } from '../../custodian/index.js';
import { Home } from '../home/home.js';
import { createIdentity, type PersonKeys } from '../home/identity.js';
import {
  configureCoordinator,
  configureCustodian,
  demoLogKey,
  type DemoLocations
} from './configurations.js';
import { signKernelImages, type SignedKernelImages } from './kernel-images.js';
import { DemoLayout, writeJson } from './layout.js';
import { ensureCollaboration, ensureParty, requireCurrentDemo, type PartyWithKeys } from './parties.js';
import { demoPolicy } from './policy.js';
import {
  DEMO_PARTIES,
  DEMO_PROVIDERS,
  DEMO_PURPOSES,
  DEMO_RESEARCHERS,
  type DemoProvider
} from './providers.js';

/** The options of a demo. */
export interface DemoOptions {
  readonly folder: string;
  /** The folder of committed kernel images, the repository's own by default. */
  readonly kernelImages?: string;
  /** The SHA-256 digest of the simulator's root certificate. */
  readonly simulatorRoot: Digest;
  readonly locations: DemoLocations;
  readonly now: Date;
}

function person({ signing, recipient }: PersonKeys, roles: Person['roles']): Person {
  return {
    id: 'demo',
    name: 'Demo person',
    roles,
    keys: [signing.publicKey],
    recipients: [recipient],
    passkeys: []
  };
}

/** Creates a provider's custodian keys, root key and roster, or updates them. */
async function ensureProvider(
  layout: DemoLayout,
  { party, title }: DemoProvider,
  keys: PersonKeys,
  origin: string
): Promise<PartyWithKeys> {
  const custodian = await openKeyFolder(`${layout.custodian(party)}/keys`);
  return ensureParty(layout, {
    party,
    title,
    people: [person(keys, ['reviewer', 'steward'])],
    custodian: {
      key: custodian.publicKey,
      recipient: custodian.recipient,
      origin,
      hosting: 'co-hosted',
      demo: true
    }
  });
}

/** Signs the kernel images of the demo. Without one, no notebook could run. */
async function requireKernelImages(layout: DemoLayout, folder?: string): Promise<SignedKernelImages> {
  const signed = await signKernelImages(layout, folder);
  if (signed.images.length > 0) return signed;
  throw new CleanRoomError(
    'image-unknown',
    'There is no kernel image in this repository, so that no notebook could run.',
    { remedy: 'Run "npm run build:kernel" first.' }
  );
}

/**
 * Creates the demo or updates an existing one: a party of researchers and two providers, all with root keys and rosters, a
 * signed collaboration, a release key and the kernel images that it signs, the demo person's keys and trust roots, the
 * providers' policies, and the configuration of the coordinator and of each provider's custodian.
 *
 * @throws CleanRoomError `image-unknown` when the repository contains no kernel image, `conflict` for the demo of an earlier version
 */
export async function createDemo(demo: DemoOptions): Promise<{ layout: DemoLayout; trust: TrustRoots }> {
  const layout = new DemoLayout(demo.folder);
  const { locations, simulatorRoot, now } = demo;
  await requireCurrentDemo(layout, DEMO_PARTIES);
  const keys = await createIdentity(new Home({ env: { CLEAN_ROOM_HOME: layout.person } }));
  const parties = [
    await ensureParty(layout, { ...DEMO_RESEARCHERS, people: [person(keys, ['researcher'])] })
  ];
  for (const provider of DEMO_PROVIDERS) {
    const origin = locations.custodianOrigins[provider.party];
    const withKeys = await ensureProvider(layout, provider, keys, origin);
    await configureCustodian(layout, locations, provider, withKeys.root.publicKey);
    parties.push(withKeys);
  }
  const content = { name: 'demo', title: 'Demo collaboration', purposes: DEMO_PURPOSES };
  await ensureCollaboration(layout, content, parties, now);
  const { signer, images } = await requireKernelImages(layout, demo.kernelImages);
  for (const provider of DEMO_PROVIDERS) {
    const policy = demoPolicy(provider, {
      parties: [DEMO_RESEARCHERS.party],
      kernelImages: images.map(({ digest }) => digest),
      kernelImageSigner: signer,
      simulatorRoot,
      now
    });
    await writeJson(layout.policy(provider.dataset), policy);
  }
  const trust: TrustRoots = {
    format: 'clean-room.trust-roots/v1',
    parties: parties.map(({ title, root }) => ({ title, rootKey: root.publicKey })),
    kernelImageSigners: [signer],
    tee: [{ kind: 'simulated', certificate: simulatorRoot }],
    logs: [await demoLogKey(layout)]
  };
  await writeJson(`${layout.person}/trust.json`, trust);
  await writeJson(`${layout.person}/config.json`, {
    url: locations.coordinatorUrl,
    tokenFile: 'token',
    party: DEMO_RESEARCHERS.party,
    custodians: Object.fromEntries(
      DEMO_PROVIDERS.map(({ party }) => [party, path.relative(layout.person, layout.custodian(party))])
    )
  });
  await configureCoordinator(
    layout,
    locations,
    images.map(({ name }) => name)
  );
  return { layout, trust };
}
