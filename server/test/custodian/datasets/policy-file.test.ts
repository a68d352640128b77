import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { PolicyFile } from '@clean-room/api/custodian';
import { AssetVersion } from '@clean-room/protocol/assets';
import { digestOf, utf8 } from '@clean-room/protocol/bytes';
import { generateSigningKey } from '@clean-room/protocol/documents';
import { Collaboration } from '@clean-room/protocol/parties';
import { Policy } from '@clean-room/protocol/policies';
import { policyFrom, sealedFor, type PolicyContext } from '../../../src/custodian/datasets/policy-file.js';
import { AssetRegistry } from '../../../src/custodian/datasets/registry.js';

const root = generateSigningKey();
const researcher = generateSigningKey();

const COLLABORATION = Collaboration.read(
  Collaboration.write({
    format: 'clean-room.collaboration/v1',
    name: 'demo',
    title: 'Demo',
    members: [
      { party: 'university', title: 'University', rootKey: researcher.publicKey },
      { party: 'hospital', title: 'Hospital', rootKey: root.publicKey }
    ],
    purposes: ['Research'],
    ends: '2028-01-01T00:00:00Z'
  })
);

const POLICY: PolicyFile = {
  parties: ['university'],
  purposes: ['Research'],
  validUntil: '2027-06-30T00:00:00Z',
  kernelImages: { digests: [digestOf(utf8('image'))], signers: [root.publicKey] },
  tee: {
    rule: 'assertion.hwmodel == "SIMULATED"',
    roots: [{ kind: 'simulated', certificate: digestOf(utf8('simulator')) }],
    sandboxProfiles: ['second-uid']
  },
  run: { wallSeconds: 60, memoryBytes: 1024 ** 3, timeGridSeconds: 60, runs: 2, spareStarts: 0 },
  outputs: {
    mimeTypes: ['text/plain'],
    bytesPerOutput: 1000,
    bytesPerRun: 10_000,
    outputsPerRun: 10,
    review: 'none',
    valuesPerRow: 3
  },
  privacy: { rho: '0', epsilon: '0', delta: '0' },
  coHosted: true
};
const HARDWARE = { kind: 'hardware' as const, certificate: digestOf(utf8('hardware')) };

const CONTEXT: PolicyContext = {
  asset: 'hospital/visits',
  version: 1,
  collaboration: COLLABORATION,
  coHosted: true,
  demo: true,
  now: new Date('2026-11-20T12:00:00Z')
};
const signed = (file: Partial<PolicyFile>, context: Partial<PolicyContext> = {}): Policy =>
  policyFrom({ ...POLICY, ...file }, { ...CONTEXT, ...context });

describe('a policy file', () => {
  it('becomes a policy that names its collaboration and the root keys of its parties', () => {
    expect(signed({})).toMatchObject({
      asset: 'hospital/visits',
      collaboration: COLLABORATION.digest,
      parties: [researcher.publicKey]
    });
  });

  it.each<[string, Partial<PolicyFile>, RegExp]>([
    ['a TEE rule that is not CEL', { tee: { ...POLICY.tee, rule: 'assertion.hwmodel ==' } }, /CEL/],
    ['a party that is not a member', { parties: ['insurer'] }, /not a member/],
    [
      'a purpose that the collaboration does not list',
      { purposes: ['Marketing'] },
      /does not list the purpose "Marketing"/
    ],
    ['a policy that has ended', { validUntil: '2026-01-01T00:00:00Z' }, /already ended/],
    [
      'both hardware and simulator roots',
      { tee: { ...POLICY.tee, roots: [...POLICY.tee.roots, HARDWARE] } },
      /both hardware roots and simulator roots/
    ],
    ['a policy that forbids this custodian’s hosting', { coHosted: false }, /forbids a co-hosted/],
    [
      'a review of outputs by a person, which is not supported yet',
      { outputs: { ...POLICY.outputs, review: 'person' } },
      /no page for that yet/
    ],
    [
      'a limit of one output that is larger than the limit of a run',
      { outputs: { ...POLICY.outputs, bytesPerOutput: 20_000 } },
      /larger than all/
    ]
  ])('is refused for %s', (_description, change, message) => {
    expect(() => signed(change)).toThrow(message);
  });
});

describe('a policy for hardware', () => {
  const tee = { ...POLICY.tee, roots: [HARDWARE] };

  it.each<[string, boolean, boolean, RegExp]>([
    ['a demo custodian', false, true, /no custodian accepts if it is a demo/],
    ['a co-hosted custodian', true, false, /no custodian accepts if it is co-hosted/]
  ])('is not signed by %s', (_description, coHosted, demo, message) => {
    expect(() => signed({ tee, coHosted: true }, { coHosted, demo })).toThrow(message);
  });

  it('is signed by any other custodian', () => {
    expect(signed({ tee }, { coHosted: false, demo: false }).tee.roots).toEqual([HARDWARE]);
    expect(sealedFor({ tee })).toBe('hardware');
  });
});

describe('the registry of assets', () => {
  it('finds only versions that the custodian has signed, and none after their withdrawal', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'clean-room-registry-'));
    try {
      const key = generateSigningKey();
      const registry = new AssetRegistry(folder, key.publicKey);
      const file = { digest: digestOf(utf8('file')), bytes: 4 };
      const version = AssetVersion.sign(
        {
          format: 'clean-room.asset/v1',
          name: 'hospital/visits',
          version: 1,
          description: '',
          table: { columns: [{ name: 'age', type: 'integer', nullable: false }] },
          sealedFor: 'simulation',
          sealed: file,
          standIn: { kind: 'random', ...file, rows: 1 }
        },
        key
      );
      await registry.add('visits', 1, { version, policy: Policy.sign(signed({}), key) });
      const { digest } = AssetVersion.peek(version);
      expect((await registry.find('hospital/visits', digest)).withdrawn).toBe(false);
      await expect(registry.find('hospital/other', digest)).rejects.toMatchObject({ code: 'not-found' });
      const other = new AssetRegistry(folder, generateSigningKey().publicKey);
      await expect(other.find('hospital/visits', digest)).rejects.toMatchObject({
        code: 'signature-invalid'
      });
      await registry.withdraw('visits');
      await expect(registry.find('hospital/visits', digest)).rejects.toMatchObject({
        code: 'policy-refused'
      });
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
