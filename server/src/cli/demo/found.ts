import type { Digest } from '@clean-room/protocol/bytes';
import { CleanRoomError } from '@clean-room/protocol/errors';
import type { Person } from '@clean-room/protocol/parties';
import type { TrustRoots } from '@clean-room/protocol/receipts';
import { openKeyFolder } from '../../custodian/keys/key-folder.js';
import { Home } from '../home/home.js';
import { makeIdentity, type PersonKeys } from '../home/identity.js';
import {
  configureCoordinator,
  configureCustodian,
  demoLogKey,
  type DemoLocations
} from './configurations.js';
import { writeJson } from './documents.js';
import { signKernelImages } from './kernel-images.js';
import { DemoLayout } from './layout.js';
import { foundCollaboration, foundParty } from './parties.js';
import { demoPolicy } from './policy.js';

export const DEMO_DATASET = 'hospital/visits';
export const DEMO_PARTIES = ['university', 'hospital'] as const;
export const DEMO_CUSTODIANS = ['hospital'] as const;
const PURPOSES = ['Health research: cost of chronic illness', 'Teaching'];

export interface FoundDemo {
  readonly folder: string;
  /** Kernel images are composed from these committed folders; the repository's own unless told. */
  readonly kernelImages?: string;
  /** SHA-256 of the simulator's root certificate. */
  readonly simulatorRoot: Digest;
  readonly places: DemoLocations;
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
 * Founds the demo, or brings a founded one up to date: two parties with root keys and rosters, one signed collaboration,
 * a release key and its word on the kernel images, one person's keys, trust roots, and the hospital's policy.
 */
export async function foundDemo(demo: FoundDemo): Promise<{ layout: DemoLayout; trust: TrustRoots }> {
  const layout = new DemoLayout(demo.folder);
  const keys = await makeIdentity(new Home({ env: { CLEAN_ROOM_HOME: layout.person } }));
  const custodian = await openKeyFolder(`${layout.custodian('hospital')}/keys`);
  const university = await foundParty(layout, {
    party: 'university',
    title: 'Demo University',
    people: [person(keys, ['researcher'])]
  });
  const hospital = await foundParty(layout, {
    party: 'hospital',
    title: 'Demo Hospital',
    people: [person(keys, ['reviewer', 'steward'])],
    custodian: {
      key: custodian.publicKey,
      recipient: custodian.recipient,
      origin: demo.places.custodianOrigins['hospital'] ?? '',
      hosting: 'co-hosted'
    }
  });
  const parties = [university, hospital];
  await foundCollaboration(
    layout,
    { name: 'demo', title: 'Demo collaboration', assets: [DEMO_DATASET], purposes: PURPOSES },
    parties,
    demo.now
  );
  const kernelImages = await signKernelImages(layout, demo.kernelImages);
  if (kernelImages.images.length === 0) {
    throw new CleanRoomError(
      'image-unknown',
      'No kernel image is described here, so nothing could ever run.',
      {
        remedy: 'Run "npm run build:kernel" first.'
      }
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
    url: demo.places.coordinatorUrl,
    tokenFile: 'token',
    party: 'university',
    custodians: { hospital: '../custodians/hospital' }
  });
  const names = kernelImages.images.map(({ name }) => name);
  await configureCoordinator(layout, demo.places, names, DEMO_PARTIES);
  await configureCustodian(layout, demo.places, 'hospital', hospital.root.publicKey);
  return { layout, trust };
}
