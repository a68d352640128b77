import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { AssetVersion, type TableSchema } from '@clean-room/protocol/assets';
import { digestOf } from '@clean-room/protocol/bytes';
import { generateSigningKey } from '@clean-room/protocol/documents';
import { CleanRoomError } from '@clean-room/protocol/errors';
import type { Collaboration } from '@clean-room/protocol/parties';
import { openWithFileKey } from '@clean-room/protocol/sealing';
import { readPolicyFile, type PolicyFile } from '../../../src/custodian/datasets/policy-file.js';
import { provision } from '../../../src/custodian/datasets/provision.js';
import { AssetRegistry } from '../../../src/custodian/datasets/registry.js';
import { openKeyFolder } from '../../../src/custodian/keys/key-folder.js';
import type { KeyStore } from '../../../src/custodian/keys/key-store.js';
import { inspectTable } from '../../../src/provisioning/inspect.js';
import { randomStandIn } from '../../../src/provisioning/stand-in/random-table.js';
import { parquetOf, readParquet, TableFolder } from '../../provisioning/support/tables.js';

const NOW = new Date('2026-11-20T12:00:00Z');
const root = generateSigningKey();
const researcher = generateSigningKey();

const COLLABORATION: Collaboration = {
  format: 'clean-room.collaboration/v1',
  name: 'demo',
  title: 'Demo',
  members: [
    { party: 'university', title: 'University', rootKey: researcher.publicKey },
    { party: 'hospital', title: 'Hospital', rootKey: root.publicKey }
  ],
  assets: ['hospital/visits'],
  purposes: ['Research'],
  ends: '2028-01-01T00:00:00Z'
};

const POLICY: PolicyFile = {
  parties: ['university'],
  purposes: ['Research'],
  validUntil: '2027-06-30T00:00:00Z',
  kernelImages: { digests: [digestOf(new Uint8Array([1]))], signers: [root.publicKey] },
  tee: {
    rule: 'assertion.hwmodel == "SIMULATED"',
    roots: [{ kind: 'simulated', certificate: digestOf(new Uint8Array([2])) }],
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
  coHosted: true
};

const ROWS = 200;
const CITIES = ['Aachen', 'Bremen', 'Cottbus'];
const CSV = [
  'patient_id,surname,age,cost,city,admitted,chronic,note',
  ...Array.from({ length: ROWS }, (_, row) =>
    [
      `P-${7_700_000 + row * 13}`,
      `Zyxw${row}berg`,
      20 + ((row * 7) % 61),
      (row * 13.37 + 0.11).toFixed(2),
      CITIES[row % 3],
      `2026-0${(row % 9) + 1}-1${row % 10}`,
      row % 2 === 0 ? 'true' : 'false',
      row % 5 === 0 ? '' : `"free text, number ${row}"`
    ].join(',')
  )
].join('\n');

const tables = new TableFolder();
let table: { schema: TableSchema; parquet: Uint8Array; standIn: Uint8Array };
let folder: string;
let keys: KeyStore;
let registry: AssetRegistry;

beforeAll(async () => {
  await tables.create();
  const inspection = await inspectTable([await tables.write('visits.csv', CSV)]);
  const { schema } = inspection;
  table = { schema, parquet: await parquetOf(inspection), standIn: await randomStandIn(schema) };
});
afterAll(() => tables.remove());
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'clean-room-provision-'));
  keys = await openKeyFolder(path.join(folder, 'keys'));
  registry = new AssetRegistry(path.join(folder, 'assets'), keys.publicKey);
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function* visits(): AsyncGenerator<Uint8Array> {
  yield table.parquet;
}

function provisionVisits(change: Partial<Parameters<typeof provision>[1]> = {}) {
  return provision(
    { party: 'hospital', keys, registry },
    {
      name: 'hospital/visits',
      data: { parquet: visits(), rows: () => ROWS },
      standIn: { bytes: table.standIn, rows: 1000 },
      schema: table.schema,
      description: 'Visits',
      policy: POLICY,
      collaboration: COLLABORATION,
      coHosted: true,
      demo: false,
      now: NOW,
      ...change
    }
  );
}

describe('provisioning', () => {
  it('seals the data with the types of the schema, so that only its own file key opens it', async () => {
    const asset = await provisionVisits();
    const sealed = new Uint8Array(await readFile(asset.sealedFile));
    expect(digestOf(sealed)).toBe(asset.version.value.sealed.digest);
    const fileKey = await keys.fileKeyOf(await asset.header());
    const open = await openWithFileKey(fileKey, sealed);
    const { rows, types } = await readParquet(tables, open);
    expect(rows).toHaveLength(ROWS);
    expect(types['admitted']).toBe('DATE');
    expect(rows[1]).toEqual([
      ...['P-7700013', 'Zyxw1berg', '27', '13.48', 'Bremen', '2026-02-11', 'false'],
      'free text, number 1'
    ]);
    expect(asset.rows).toBe(ROWS);
  });

  it('publishes no value of the data: not in the sealed bytes, the stand-in or the signed documents', async () => {
    const asset = await provisionVisits();
    const published = Buffer.concat([
      await readFile(asset.sealedFile),
      await readFile(asset.standInFile),
      Buffer.from(JSON.stringify(asset.envelopes)),
      Buffer.from(asset.version.bytes),
      Buffer.from(asset.policy.bytes)
    ]).toString('latin1');
    for (const value of ['P-77', 'Zyxw', 'free text', '13.48']) expect(published).not.toContain(value);
    expect(published).toContain('Aachen'); // A confirmed category is public. That it is found shows that the search above works.
  });

  it('stores keys in files that only the owner can read', async () => {
    for (const name of ['signing.key', 'age.key']) {
      expect((await stat(path.join(folder, 'keys', name))).mode & 0o777).toBe(0o600);
    }
  });

  it('increases the version number, and stores nothing when it fails', async () => {
    expect((await provisionVisits()).version.value.version).toBe(1);
    async function* damaged(): AsyncGenerator<Uint8Array> {
      yield table.parquet.subarray(0, 100);
      throw new CleanRoomError('malformed', 'The schema does not fit the data.');
    }
    await expect(provisionVisits({ data: { parquet: damaged(), rows: () => 0 } })).rejects.toMatchObject({
      code: 'malformed'
    });
    expect(await readdir(path.join(folder, 'assets/incoming'))).toEqual([]);
    expect((await provisionVisits()).version.value.version).toBe(2);
    expect((await registry.list()).map(({ version }) => version.value.version)).toEqual([1, 2]);
  });

  it('refuses a dataset name of another party', async () => {
    await expect(provisionVisits({ name: 'university/visits' })).rejects.toMatchObject({ code: 'forbidden' });
  });

  it('finds only versions that the custodian has signed', async () => {
    const { version } = await provisionVisits();
    const other = new AssetRegistry(path.join(folder, 'assets'), generateSigningKey().publicKey);
    await expect(other.find('hospital/visits', version.digest)).rejects.toMatchObject({
      code: 'signature-invalid'
    });
    expect(AssetVersion.read(version.bytes).value.sealedFor).toBe('simulation');
  });
});

describe('a policy file', () => {
  const text = (change: object): Uint8Array =>
    new TextEncoder().encode(JSON.stringify({ ...POLICY, ...change }));

  it.each([
    ['a misspelt field', { validTill: '2027-01-01T00:00:00Z' }, /expected form/],
    ['a date without a time', { validUntil: '2027-01-01' }, /validUntil/]
  ])('refuses %s', (_description, change, message) => {
    expect(() => readPolicyFile(text(change))).toThrow(message);
  });

  it.each([
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
      {
        tee: {
          ...POLICY.tee,
          roots: [
            ...POLICY.tee.roots,
            { kind: 'hardware' as const, certificate: digestOf(new Uint8Array([3])) }
          ]
        }
      },
      /both hardware roots and simulator roots/
    ],
    ['a policy that forbids this custodian’s hosting', { coHosted: false }, /forbids a co-hosted/],
    [
      'a review of outputs by a person, which is not supported yet',
      { outputs: { ...POLICY.outputs, review: 'person' as const } },
      /no page for that yet/
    ],
    [
      'a limit of one output that is larger than the limit of a run',
      { outputs: { ...POLICY.outputs, bytesPerOutput: 20_000 } },
      /larger than all/
    ]
  ])('refuses %s, and signs nothing', async (_description, change, message) => {
    await expect(provisionVisits({ policy: { ...POLICY, ...change } })).rejects.toMatchObject({
      message: expect.stringMatching(message)
    });
    expect(await registry.list()).toEqual([]);
  });
});

describe('a policy for hardware', () => {
  const policy: PolicyFile = {
    ...POLICY,
    tee: { ...POLICY.tee, roots: [{ kind: 'hardware', certificate: digestOf(new Uint8Array([3])) }] }
  };

  it.each([
    ['a demo custodian', { coHosted: false, demo: true }, /no custodian accepts if it is a demo/],
    ['a co-hosted custodian', { coHosted: true, demo: false }, /no custodian accepts if it is co-hosted/]
  ])('is not signed by %s', async (_description, marks, message) => {
    await expect(provisionVisits({ policy, ...marks })).rejects.toMatchObject({
      message: expect.stringMatching(message)
    });
    expect(await registry.list()).toEqual([]);
  });

  it('is signed by any other custodian', async () => {
    const { version } = await provisionVisits({ policy, coHosted: false });
    expect(version.value.sealedFor).toBe('hardware');
  });
});
