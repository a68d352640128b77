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
import { signKernelImages } from './kernel-images.js';
import { DemoLayout, writeJson } from './layout.js';
import { ensureCollaboration, ensureParty } from './parties.js';
import { demoPolicy } from './policy.js';

const DEMO_DATASET = 'hospital/visits';
/** The parties of the demo. */
export const DEMO_PARTIES = ['university', 'hospital'] as const;
/** The parties that have a custodian. */
export const DEMO_CUSTODIANS = ['hospital'] as const;
const PURPOSES = ['Health research: cost of chronic illness', 'Teaching'];

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

/**
 * Creates the demo or updates an existing one: two parties with root keys and rosters, a signed collaboration, a release key
 * and the kernel images that it signs, the demo person's keys and trust roots, the hospital's policy, and the configuration of
 * both roles.
 *
 * @throws CleanRoomError `image-unknown` when the repository contains no kernel image
 */
export async function createDemo(demo: DemoOptions): Promise<{ layout: DemoLayout; trust: TrustRoots }> {
  const layout = new DemoLayout(demo.folder);
  const keys = await createIdentity(new Home({ env: { CLEAN_ROOM_HOME: layout.person } }));
  const custodian = await openKeyFolder(`${layout.custodian('hospital')}/keys`);
  const university = await ensureParty(layout, {
    party: 'university',
    title: 'Demo University',
    people: [person(keys, ['researcher'])]
  });
  const hospital = await ensureParty(layout, {
    party: 'hospital',
    title: 'Demo Hospital',
    people: [person(keys, ['reviewer', 'steward'])],
    custodian: {
      key: custodian.publicKey,
      recipient: custodian.recipient,
      origin: demo.locations.custodianOrigins['hospital'] ?? '',
      hosting: 'co-hosted'
    }
  });
  const parties = [university, hospital];
  await ensureCollaboration(
    layout,
    { name: 'demo', title: 'Demo collaboration', assets: [DEMO_DATASET], purposes: PURPOSES },
    parties,
    demo.now
  );
  const kernelImages = await signKernelImages(layout, demo.kernelImages);
  if (kernelImages.images.length === 0) {
    throw new CleanRoomError(
      'image-unknown',
      'There is no kernel image in this repository, so that no notebook could run.',
      { remedy: 'Run "npm run build:kernel" first.' }
    );
  }
  await writeJson(
    layout.policy('visits'),
    demoPolicy({
      parties: ['university'],
      purposes: PURPOSES,
      kernelImages: kernelImages.images.map(({ digest }) => digest),
      kernelImageSigner: kernelImages.signer,
      simulatorRoot: demo.simulatorRoot,
      now: demo.now
    })
  );
  const trust: TrustRoots = {
    format: 'clean-room.trust-roots/v1',
    parties: parties.map(({ title, root }) => ({ title, rootKey: root.publicKey })),
    kernelImageSigners: [kernelImages.signer],
    tee: [{ kind: 'simulated', certificate: demo.simulatorRoot }],
    logs: [await demoLogKey(layout)]
  };
  await writeJson(`${layout.person}/trust.json`, trust);
  await writeJson(`${layout.person}/config.json`, {
    url: demo.locations.coordinatorUrl,
    tokenFile: 'token',
    party: 'university',
    custodians: { hospital: '../custodians/hospital' }
  });
  const names = kernelImages.images.map(({ name }) => name);
  await configureCoordinator(layout, demo.locations, names, DEMO_PARTIES);
  await configureCustodian(layout, demo.locations, 'hospital', hospital.root.publicKey);
  return { layout, trust };
}
