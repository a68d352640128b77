import {
  Encrypter,
  Stanza,
  generateX25519Identity,
  identityToRecipient,
  type Recipient as AgeRecipient
} from 'age-encryption';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { Approval, type ApprovalBundle } from '@clean-room/protocol/approvals';
import { AssetVersion } from '@clean-room/protocol/assets';
import { HARDWARE_ROOTS } from '@clean-room/protocol/attestation';
import { digestOf, utf8 } from '@clean-room/protocol/bytes';
import { generateSigningKey, type ReadDocument } from '@clean-room/protocol/documents';
import type { JobDocument } from '@clean-room/protocol/jobs';
import { KernelImageStatement } from '@clean-room/protocol/kernel-images';
import { EMPTY_TREE_HEAD } from '@clean-room/protocol/log';
import { Collaboration, Roster, type Custodian } from '@clean-room/protocol/parties';
import { Policy } from '@clean-room/protocol/policies';
import { Spec, readSpec } from '@clean-room/protocol/submissions';
import { SoftPasskey } from '../../../../packages/protocol/test/support/passkey.js';
import type { JobFacts } from '../../src/trust/verify-job.js';
import { readOwnToken } from '../../src/attestation/own-token.js';
import { ROOT, makeToken, type MachineClaims } from './authority.js';

/** Digest of the image that the test machine runs. */
export const IMAGE = digestOf(utf8('image'));
const KERNEL_IMAGE = digestOf(utf8('kernel image'));
/** Time at which jobs are verified in tests. */
export const NOW = new Date('2026-11-20T12:00:00Z');

/** A column of the test dataset. */
export interface Table {
  readonly name: string;
  readonly data: (number | string | null)[];
  readonly type: 'INT32' | 'DOUBLE' | 'STRING';
}

/** Returns an age file of a Parquet file, and its file key. */
async function seal(columns: readonly Table[]): Promise<{ sealed: Uint8Array; fileKey: Uint8Array }> {
  let fileKey = new Uint8Array();
  const recipient: AgeRecipient = {
    wrapFileKey(key) {
      fileKey = key.slice();
      return [new Stanza(['test'], new Uint8Array(16))];
    }
  };
  const encrypter = new Encrypter();
  encrypter.addRecipient(recipient);
  const parquet = parquetWriteBuffer({ columnData: columns.map(column => ({ ...column })) });
  return { sealed: await encrypter.encrypt(new Uint8Array(parquet)), fileKey };
}

const COLUMN_TYPES = { INT32: 'integer', DOUBLE: 'number', STRING: 'text' } as const;

/** Changes to the default documents of `makeWorld`. */
export interface WorldOptions {
  readonly sealedFor?: 'simulation' | 'hardware';
  readonly unattended?: boolean;
  readonly custodian?: Partial<Custodian>;
  readonly table?: readonly Table[];
  /** Files of the workspace by path. The entry notebook is `notebook.ipynb`. */
  readonly files?: Readonly<Record<string, string>>;
  readonly withoutAssets?: boolean;
  readonly policy?: Partial<Policy>;
  readonly approval?: Partial<Approval>;
  readonly spec?: Partial<Spec>;
  readonly asset?: Partial<AssetVersion>;
  readonly kernelImage?: Partial<KernelImageStatement>;
  readonly machine?: Partial<MachineClaims>;
}

const DEFAULT_TABLE: readonly Table[] = [{ name: 'age', data: [23, 45, 67], type: 'INT32' }];

/** Creates two parties, a dataset, an approved revision and a machine: everything that a supervisor verifies. */
export async function makeWorld(options: WorldOptions = {}) {
  const keys = {
    hospital: generateSigningKey(),
    university: generateSigningKey(),
    custodian: generateSigningKey(),
    researcher: generateSigningKey(),
    release: generateSigningKey(),
    stranger: generateSigningKey()
  };
  const identities = {
    researcher: await generateX25519Identity(),
    custodian: await generateX25519Identity()
  };
  const recipients = {
    researcher: await identityToRecipient(identities.researcher),
    custodian: await identityToRecipient(identities.custodian)
  };
  const sealedFor = options.sealedFor ?? 'simulation';
  const passkey = new SoftPasskey('hospital.localhost', 'http://hospital.localhost:8080');
  const collaborationValue: Collaboration = {
    format: 'clean-room.collaboration/v1',
    name: 'chronic-illness',
    title: 'Chronic illness',
    members: [
      { party: 'hospital', title: 'Hospital', rootKey: keys.hospital.publicKey },
      { party: 'university', title: 'University', rootKey: keys.university.publicKey }
    ],
    purposes: ['Cost of chronic illness'],
    ends: '2027-03-31T00:00:00Z'
  };
  const collaboration = Collaboration.sign(collaborationValue, keys.hospital, keys.university);
  const hospitalRoster: Roster = {
    format: 'clean-room.roster/v1',
    party: 'hospital',
    title: 'Hospital',
    rootKey: keys.hospital.publicKey,
    version: 4,
    people: [
      {
        id: 'dr.ada',
        name: 'Ada',
        roles: ['reviewer'],
        keys: [],
        recipients: [],
        passkeys: [passkey.listed()]
      }
    ],
    custodian: {
      key: keys.custodian.publicKey,
      recipient: recipients.custodian,
      origin: 'http://hospital.localhost:8080',
      hosting: sealedFor === 'simulation' ? 'co-hosted' : 'own',
      demo: sealedFor === 'simulation',
      ...options.custodian
    },
    jupyterHost: 'own'
  };
  const universityRoster: Roster = {
    format: 'clean-room.roster/v1',
    party: 'university',
    title: 'University',
    rootKey: keys.university.publicKey,
    version: 2,
    people: [
      {
        id: 'grace',
        name: 'Grace',
        roles: ['researcher'],
        keys: [keys.researcher.publicKey],
        recipients: [recipients.researcher],
        passkeys: []
      }
    ],
    jupyterHost: 'own'
  };
  const table = options.table ?? DEFAULT_TABLE;
  const { sealed, fileKey } = await seal(table);
  const assetValue: AssetVersion = {
    format: 'clean-room.asset/v1',
    name: 'hospital/visits',
    version: 3,
    description: 'Visits',
    table: {
      columns: table.map(({ name, type, data }) => ({
        name,
        type: COLUMN_TYPES[type],
        nullable: data.includes(null)
      }))
    },
    sealedFor,
    sealed: { digest: digestOf(sealed), bytes: sealed.length },
    standIn: { kind: 'random', digest: digestOf(utf8('stand-in')), bytes: 8, rows: 10 },
    ...options.asset
  };
  const asset = AssetVersion.read(AssetVersion.write(assetValue));
  const policyValue: Policy = {
    format: 'clean-room.policy/v1',
    asset: 'hospital/visits',
    version: 1,
    collaboration: Collaboration.read(Collaboration.write(collaborationValue)).digest,
    parties: [keys.university.publicKey],
    purposes: ['Cost of chronic illness'],
    validUntil: '2027-03-31T00:00:00Z',
    kernelImages: { digests: [KERNEL_IMAGE], signers: [keys.release.publicKey] },
    tee: {
      rule: "assertion.swname == 'CONFIDENTIAL_SPACE'",
      roots: [{ kind: sealedFor === 'simulation' ? 'simulated' : 'hardware', certificate: ROOT }],
      sandboxProfiles: ['second-uid', 'nested-namespace']
    },
    run: { wallSeconds: 120, memoryBytes: 2 ** 31, timeGridSeconds: 60, runs: 3, spareStarts: 1 },
    outputs: {
      mimeTypes: ['text/plain', 'text/html', 'image/png'],
      bytesPerOutput: 262_144,
      bytesPerRun: 1_048_576,
      outputsPerRun: 100,
      review: 'none',
      valuesPerRow: 2
    },
    privacy: { rho: '0', epsilon: '0', delta: '0' },
    coHosted: true,
    ...options.policy
  };
  const policy = Policy.read(Policy.write(policyValue));
  const files = options.files ?? {
    'notebook.ipynb': JSON.stringify({ nbformat: 4, nbformat_minor: 5, metadata: {}, cells: [] })
  };
  const specValue: Spec = {
    format: 'clean-room.spec/v1',
    collaboration: Collaboration.peek(collaboration).digest,
    purpose: 'Cost of chronic illness',
    kernelImage: KERNEL_IMAGE,
    workspace: Object.entries(files)
      .map(([path, text]) => ({ path, digest: digestOf(utf8(text)), bytes: utf8(text).length }))
      .sort((a, b) => (a.path < b.path ? -1 : 1)),
    notebook: 'notebook.ipynb',
    parameters: '{"folds":5}',
    assets:
      options.withoutAssets === true
        ? []
        : [
            {
              name: 'hospital/visits',
              version: asset.digest,
              policy: policy.digest,
              custodian: keys.custodian.publicKey
            }
          ],
    submitter: keys.researcher.publicKey,
    recipients: [recipients.researcher],
    compute: { processors: 2, memoryBytes: 2 ** 31, accelerator: 'none' },
    ...options.spec
  };
  const spec = readSpec(Spec.write(specValue));
  const approvalValue: Approval = {
    format: 'clean-room.approval/v1',
    provider: 'hospital',
    custodian: keys.custodian.publicKey,
    image: IMAGE,
    spec: spec.digest,
    assets: [{ name: 'hospital/visits', version: asset.digest, policy: policy.digest }],
    runs: 1,
    spareStarts: 0,
    approvedAt: '2026-11-19T09:00:00Z',
    expires: '2027-01-27T00:00:00Z',
    reviewer: 'dr.ada',
    unattended: options.unattended ?? sealedFor === 'simulation',
    demo: hospitalRoster.custodian?.demo === true,
    coHosted: hospitalRoster.custodian?.hosting === 'co-hosted',
    ...options.approval
  };
  const approve = (value: Approval = approvalValue, roster: Roster = hospitalRoster): ApprovalBundle => {
    const envelope = Approval.sign(value, keys.custodian);
    return {
      envelope,
      roster: Roster.sign(roster, keys.hospital),
      ...(value.unattended ? {} : { assertion: passkey.assertOver(envelope) })
    };
  };
  const job: JobDocument = {
    format: 'clean-room.job/v1',
    collaboration,
    assets:
      options.withoutAssets === true
        ? []
        : [
            {
              version: AssetVersion.sign(assetValue, keys.custodian),
              policy: Policy.sign(policyValue, keys.custodian)
            }
          ],
    approvals: options.withoutAssets === true ? [] : [approve()],
    kernelImage: KernelImageStatement.sign(
      {
        format: 'clean-room.kernel-image/v1',
        name: 'python-cpu',
        digest: KERNEL_IMAGE,
        accelerator: 'none',
        development: sealedFor === 'simulation',
        hardwareRoots: HARDWARE_ROOTS.map(({ sha256 }) => sha256),
        ...options.kernelImage
      },
      keys.release
    ),
    submitterRoster: Roster.sign(universityRoster, keys.university),
    logHead: EMPTY_TREE_HEAD
  };
  const machine: MachineClaims = {
    image: IMAGE,
    issuedAt: NOW,
    simulated: sealedFor === 'simulation',
    ...options.machine
  };
  const tokenOptions = { audience: 'clean-room:supervisor:v1', nonce: 'n'.repeat(43) };
  const facts: JobFacts = {
    spec,
    own: readOwnToken(makeToken(tokenOptions, machine), tokenOptions),
    profile: 'second-uid',
    at: machine.issuedAt
  };
  return {
    keys,
    identities,
    recipients,
    passkey,
    collaboration,
    collaborationValue,
    hospitalRoster,
    universityRoster,
    asset: asset satisfies ReadDocument<AssetVersion>,
    assetValue,
    policyValue,
    spec,
    specValue,
    approvalValue,
    approve,
    job,
    facts,
    machine,
    files,
    sealed,
    fileKey
  };
}

/** The documents, keys and files of a test. */
export type World = Awaited<ReturnType<typeof makeWorld>>;
