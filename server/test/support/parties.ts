import { HARDWARE_ROOTS, type PkiRoot } from '@clean-room/protocol/attestation';
import { digestOf, utf8, type Digest } from '@clean-room/protocol/bytes';
import {
  generateSigningKey,
  type Envelope,
  type ReadDocument,
  type SigningKey
} from '@clean-room/protocol/documents';
import { AssetVersion } from '@clean-room/protocol/assets';
import { KernelImageStatement } from '@clean-room/protocol/kernel-images';
import { CONFIG_TYPE, LAYER_TYPE, MANIFEST_TYPE } from '@clean-room/protocol/packaging';
import { Collaboration, openCollaboration, Roster, type Person } from '@clean-room/protocol/parties';
import { Policy } from '@clean-room/protocol/policies';
import { kernelImageOf, type KernelImageOnFile } from '../../src/coordinator/images/kernel-images.js';

/** A recipient from age's documentation. These tests never open anything with it. */
export const RECIPIENT = 'age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p';
export const PURPOSE = 'Cost of chronic illness';

/** Returns a kernel image with one layer that does not exist: packaging reads only manifest and configuration. */
export function syntheticKernelImage(releaseKey: SigningKey, development = true): KernelImageOnFile {
  const layer = digestOf(utf8('layer'));
  const config = utf8(
    JSON.stringify({
      architecture: 'amd64',
      os: 'linux',
      config: { User: '0:0', Entrypoint: ['/usr/lib/clean-room/node', '/usr/lib/clean-room/supervisor.js'] },
      rootfs: { type: 'layers', diff_ids: [layer] }
    })
  );
  const manifest = utf8(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: MANIFEST_TYPE,
      config: { mediaType: CONFIG_TYPE, digest: digestOf(config), size: config.length },
      layers: [{ mediaType: LAYER_TYPE, digest: layer, size: 5 }]
    })
  );
  const statement = KernelImageStatement.sign(
    {
      format: 'clean-room.kernel-image/v1',
      name: 'Synthetic',
      digest: digestOf(manifest),
      accelerator: 'none',
      development,
      hardwareRoots: HARDWARE_ROOTS.map(({ sha256 }) => sha256)
    },
    releaseKey
  );
  return kernelImageOf(manifest, config, statement);
}

/** A party with the keys of its root, its custodian and its only person. */
export interface TestParty {
  readonly name: string;
  readonly root: SigningKey;
  readonly custodian: SigningKey;
  readonly researcher: SigningKey;
}

/** Creates a party with new keys. */
export function makeParty(name: string): TestParty {
  return {
    name,
    root: generateSigningKey(),
    custodian: generateSigningKey(),
    researcher: generateSigningKey()
  };
}

/** Returns a signed roster of a party, with one person, `ada`, who has all roles. */
export function rosterOf(party: TestParty, version = 1, people: Partial<Person>[] = [{}]): Envelope {
  return Roster.sign(
    {
      format: 'clean-room.roster/v1',
      party: party.name,
      title: party.name,
      rootKey: party.root.publicKey,
      version,
      people: people.map(person => ({
        id: 'ada',
        name: 'Ada',
        roles: ['researcher', 'reviewer', 'steward'],
        keys: [party.researcher.publicKey],
        recipients: [RECIPIENT],
        passkeys: [],
        ...person
      })),
      custodian: {
        key: party.custodian.publicKey,
        recipient: RECIPIENT,
        origin: `http://${party.name}.localhost:8080`,
        hosting: 'co-hosted',
        demo: true
      },
      jupyterHost: 'own'
    },
    party.root
  );
}

/** Returns a collaboration that all parties have signed. */
export function collaborationOf(
  parties: readonly TestParty[],
  ends = '2099-01-01T00:00:00Z'
): { envelope: Envelope; read: ReadDocument<Collaboration> } {
  const envelope = Collaboration.sign(
    {
      format: 'clean-room.collaboration/v1',
      name: 'chronic-illness',
      title: 'Chronic illness',
      members: parties.map(({ name, root }) => ({ party: name, title: name, rootKey: root.publicKey })),
      purposes: [PURPOSE],
      ends
    },
    ...parties.map(party => party.root)
  );
  return { envelope, read: openCollaboration(envelope) };
}

/** A signed asset version with its policy and its files. */
export interface TestAsset {
  readonly name: string;
  readonly provider: TestParty;
  readonly sealed: Uint8Array;
  readonly standIn: Uint8Array;
  readonly version: Envelope;
  readonly policy: Envelope;
}

/** Differences from the usual asset. */
export interface AssetOptions {
  readonly version?: number;
  readonly policy?: Partial<Policy>;
  readonly sealedFor?: 'simulation' | 'hardware';
  readonly table?: AssetVersion['table'];
}

/** Returns an asset version and a policy, signed by the provider's custodian. The policy is open to `open.to`. */
export function assetOf(
  provider: TestParty,
  dataset: string,
  open: {
    readonly to: readonly TestParty[];
    readonly collaboration: Digest;
    readonly kernelImage: KernelImageOnFile;
    readonly root: PkiRoot;
  },
  options: AssetOptions = {}
): TestAsset {
  const name = `${provider.name}/${dataset}`;
  const version = options.version ?? 1;
  const sealed = utf8(`sealed ${name} ${version}`);
  const standIn = utf8(`stand-in ${name} ${version}`);
  return {
    name,
    provider,
    sealed,
    standIn,
    version: AssetVersion.sign(
      {
        format: 'clean-room.asset/v1',
        name,
        version,
        description: 'Visits',
        table: options.table ?? { columns: [{ name: 'age', type: 'integer', nullable: false }] },
        sealedFor: options.sealedFor ?? 'simulation',
        sealed: { digest: digestOf(sealed), bytes: sealed.length },
        standIn: { kind: 'random', digest: digestOf(standIn), bytes: standIn.length, rows: 10 }
      },
      provider.custodian
    ),
    policy: Policy.sign(
      {
        format: 'clean-room.policy/v1',
        asset: name,
        version: 1,
        collaboration: open.collaboration,
        parties: open.to.map(party => party.root.publicKey),
        purposes: [PURPOSE],
        validUntil: '2098-01-01T00:00:00Z',
        kernelImages: { digests: [open.kernelImage.digest], signers: [open.kernelImage.signer] },
        tee: {
          rule: "assertion.hwmodel == 'SIMULATED'",
          roots: [{ kind: 'simulated', certificate: open.root.sha256 }],
          sandboxProfiles: ['second-uid', 'nested-namespace']
        },
        run: { wallSeconds: 600, memoryBytes: 2 ** 31, timeGridSeconds: 60, runs: 3, spareStarts: 1 },
        outputs: {
          mimeTypes: ['text/plain'],
          bytesPerOutput: 65_536,
          bytesPerRun: 1_048_576,
          outputsPerRun: 100,
          review: 'none',
          valuesPerRow: 2
        },
        privacy: { rho: '0', epsilon: '0', delta: '0' },
        coHosted: true,
        ...options.policy
      },
      provider.custodian
    )
  };
}
