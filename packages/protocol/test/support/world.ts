import type { AssetVersion as AssetVersionValue } from '../../src/assets/asset.js';
import { AssetVersion } from '../../src/assets/asset.js';
import type { Approval as ApprovalValue } from '../../src/approvals/approval.js';
import { Approval } from '../../src/approvals/approval.js';
import { digestOf, type Digest } from '../../src/bytes/digest.js';
import { utf8 } from '../../src/bytes/encoding.js';
import type { ReadDocument } from '../../src/documents/document.js';
import { generateSigningKey } from '../../src/documents/keys.js';
import type { Custodian, Person, Roster as RosterValue } from '../../src/parties/roster.js';
import { Collaboration, openCollaboration } from '../../src/parties/collaboration.js';
import { Roster } from '../../src/parties/roster.js';
import type { Policy as PolicyValue, TeeRoot } from '../../src/policies/policy.js';
import { Policy } from '../../src/policies/policy.js';
import { readSpec } from '../../src/submissions/check.js';
import { Spec, type Spec as SpecValue } from '../../src/submissions/spec.js';
import { SoftPasskey } from './passkey.js';

export const AGE_RECIPIENT = 'age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p';
export const IMAGE = digestOf(utf8('image'));
export const KERNEL_IMAGE = digestOf(utf8('kernel image'));
export const NOW = new Date('2026-11-20T12:00:00Z');

/** Differences from the default world. */
export interface WorldOptions {
  readonly sealedFor?: 'simulation' | 'hardware';
  /** Digest of the kernel image's manifest. */
  readonly kernelImage?: Digest;
  readonly teeRoots?: readonly TeeRoot[];
  readonly teeRule?: string;
  readonly review?: 'none' | 'person';
  readonly custodian?: Partial<Custodian>;
}

/**
 * Makes two parties, a dataset, a revision and functions that sign its approval: everything that is needed to verify an
 * approval.
 */
export function makeWorld(options: WorldOptions = {}) {
  const kernelImage = options.kernelImage ?? KERNEL_IMAGE;
  const sealedFor = options.sealedFor ?? 'simulation';
  const simulation = sealedFor === 'simulation';
  const keys = {
    release: generateSigningKey(),
    hospital: generateSigningKey(),
    university: generateSigningKey(),
    custodian: generateSigningKey(),
    researcher: generateSigningKey()
  };
  const passkey = new SoftPasskey('hospital.localhost', 'http://hospital.localhost:8080');
  const collaboration = openCollaboration(
    Collaboration.sign(
      {
        format: 'clean-room.collaboration/v1',
        name: 'chronic-illness',
        title: 'Chronic illness',
        members: [
          { party: 'hospital', title: 'Hospital', rootKey: keys.hospital.publicKey },
          { party: 'university', title: 'University', rootKey: keys.university.publicKey }
        ],
        purposes: ['Cost of chronic illness'],
        ends: '2027-03-31T00:00:00Z'
      },
      keys.hospital,
      keys.university
    )
  );
  const reviewer: Person = {
    id: 'dr.ada',
    name: 'Ada',
    roles: ['reviewer'],
    keys: [],
    recipients: [],
    passkeys: [passkey.listed()]
  };
  const rosterValue: RosterValue = {
    format: 'clean-room.roster/v1',
    party: 'hospital',
    title: 'Hospital',
    rootKey: keys.hospital.publicKey,
    version: 1,
    people: [reviewer],
    custodian: {
      key: keys.custodian.publicKey,
      recipient: AGE_RECIPIENT,
      origin: 'http://hospital.localhost:8080',
      hosting: simulation ? 'co-hosted' : 'own',
      demo: simulation,
      ...options.custodian
    },
    jupyterHost: 'own'
  };
  const assetValue: AssetVersionValue = {
    format: 'clean-room.asset/v1',
    name: 'hospital/visits',
    version: 3,
    description: 'Visits',
    table: { columns: [{ name: 'age', type: 'integer', nullable: false }] },
    sealedFor,
    sealed: { digest: digestOf(utf8('sealed')), bytes: 6 },
    standIn: { kind: 'random', digest: digestOf(utf8('stand-in')), bytes: 8, rows: 10 }
  };
  const asset: ReadDocument<AssetVersionValue> = AssetVersion.read(AssetVersion.write(assetValue));
  const policyValue: PolicyValue = {
    format: 'clean-room.policy/v1',
    asset: 'hospital/visits',
    version: 1,
    collaboration: collaboration.digest,
    parties: [keys.university.publicKey],
    purposes: ['Cost of chronic illness'],
    validUntil: '2027-03-31T00:00:00Z',
    kernelImages: { digests: [kernelImage], signers: [keys.release.publicKey] },
    tee: {
      rule: options.teeRule ?? "assertion.hwmodel == 'SIMULATED'",
      roots: [...(options.teeRoots ?? [{ kind: 'simulated' as const, certificate: digestOf(utf8('root')) }])],
      sandboxProfiles: ['second-uid', 'nested-namespace']
    },
    run: { wallSeconds: 600, memoryBytes: 2 ** 31, timeGridSeconds: 60, runs: 3, spareStarts: 1 },
    outputs: {
      mimeTypes: ['text/plain', 'image/png'],
      bytesPerOutput: 65536,
      bytesPerRun: 1048576,
      outputsPerRun: 100,
      review: options.review ?? 'none',
      valuesPerRow: 2
    },
    privacy: { rho: '0', epsilon: '0', delta: '0' },
    coHosted: true
  };
  const policy = Policy.read(Policy.write(policyValue));
  const file = { path: 'explore.ipynb', digest: digestOf(utf8('{}')), bytes: 2 };
  const specValue: SpecValue = {
    format: 'clean-room.spec/v1',
    collaboration: collaboration.digest,
    purpose: 'Cost of chronic illness',
    kernelImage,
    workspace: [file],
    notebook: file.path,
    parameters: '{}',
    assets: [
      {
        name: 'hospital/visits',
        version: asset.digest,
        policy: policy.digest,
        custodian: keys.custodian.publicKey
      }
    ],
    submitter: keys.researcher.publicKey,
    recipients: [AGE_RECIPIENT],
    compute: { processors: 2, memoryBytes: 2 ** 31, accelerator: 'none' }
  };
  const spec = readSpec(Spec.write(specValue));
  const approvalValue: ApprovalValue = {
    format: 'clean-room.approval/v1',
    provider: 'hospital',
    custodian: keys.custodian.publicKey,
    image: IMAGE,
    spec: spec.digest,
    assets: [{ name: 'hospital/visits', version: asset.digest, policy: policy.digest }],
    runs: 1,
    spareStarts: 0,
    approvedAt: '2026-11-19T09:00:00Z',
    expires: '2026-11-27T00:00:00Z',
    reviewer: 'dr.ada',
    unattended: false,
    demo: simulation,
    coHosted: simulation
  };
  const bundle = (value: ApprovalValue, roster: RosterValue = rosterValue) => {
    const envelope = Approval.sign(value, keys.custodian);
    return {
      envelope,
      roster: Roster.sign(roster, keys.hospital),
      ...(value.unattended ? {} : { assertion: passkey.assertOver(envelope) })
    };
  };
  const context = { spec, image: IMAGE, collaboration, assets: [asset], at: NOW };
  return {
    keys,
    passkey,
    collaboration,
    rosterValue,
    asset,
    policyValue,
    specValue,
    spec,
    approvalValue,
    bundle,
    context
  };
}
