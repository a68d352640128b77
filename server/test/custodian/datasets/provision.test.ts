import { parquetReadObjects } from 'hyparquet';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { AssetVersion } from '@clean-room/protocol/assets';
import { digestOf } from '@clean-room/protocol/bytes';
import { generateSigningKey } from '@clean-room/protocol/documents';
import { Collaboration } from '@clean-room/protocol/parties';
import { openWithFileKey } from '@clean-room/protocol/sealing';
import { readPolicyFile, type PolicyFile } from '../../../src/custodian/datasets/policy-file.js';
import { provision } from '../../../src/custodian/datasets/provision.js';
import { AssetRegistry } from '../../../src/custodian/datasets/registry.js';
import { inferSchema } from '../../../src/custodian/datasets/schema/infer.js';
import { readSchemaFile } from '../../../src/custodian/datasets/schema/read.js';
import { randomStandIn } from '../../../src/custodian/datasets/stand-in/random-table.js';
import { openTable } from '../../../src/custodian/datasets/table/open.js';
import { openKeyFolder } from '../../../src/custodian/keys/key-folder.js';
import type { KeyStore } from '../../../src/custodian/keys/key-store.js';

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

let folder: string;
let file: string;
let keys: KeyStore;
let registry: AssetRegistry;

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'clean-room-provision-'));
  file = path.join(folder, 'visits.csv');
  await writeFile(file, CSV);
  keys = await openKeyFolder(path.join(folder, 'keys'));
  registry = new AssetRegistry(path.join(folder, 'assets'), keys.publicKey);
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function provisionVisits(change: Partial<Parameters<typeof provision>[1]> = {}) {
  const table = change.table ?? (await openTable(file));
  const { schema } = await inferSchema(table);
  return provision(
    { party: 'hospital', keys, registry },
    {
      name: 'hospital/visits',
      table,
      schema,
      description: 'Visits',
      policy: POLICY,
      collaboration: Collaboration.read(Collaboration.write(COLLABORATION)),
      coHosted: true,
      demo: false,
      now: NOW,
      ...change
    }
  );
}

describe('an inferred schema', () => {
  it('contains types, rounded bounds, categories and marked identifiers', async () => {
    const { schema, rows, remarks } = await inferSchema(await openTable(file));
    expect(rows).toBe(ROWS);
    const byName = Object.fromEntries(schema.columns.map(column => [column.name, column]));
    expect(byName['patient_id']).toEqual({
      name: 'patient_id',
      type: 'text',
      nullable: false,
      role: 'identifier'
    });
    expect(byName['surname']?.role).toBe('identifier');
    expect(byName['age']).toMatchObject({ type: 'integer', nullable: false, minimum: '20', maximum: '80' });
    expect(byName['cost']).toMatchObject({ type: 'number', decimals: 2, minimum: '0', maximum: '3000' });
    expect(byName['city']?.categories).toEqual(CITIES);
    expect(byName['chronic']?.type).toBe('boolean');
    expect(byName['admitted']?.type).toBe('date');
    expect(byName['note']).toMatchObject({ type: 'text', nullable: true, role: 'identifier' });
    expect(remarks.map(({ column }) => column)).toEqual(['patient_id', 'surname', 'note']);
  });

  it('does not list a category that only a few rows share', async () => {
    await writeFile(
      file,
      `ward\n${Array.from({ length: 100 }, (_, row) => (row < 2 ? 'isolation' : 'general')).join('\n')}\n`
    );
    const { schema } = await inferSchema(await openTable(file));
    expect(schema.columns[0]?.categories).toBeUndefined();
  });

  it.each([
    ['bytes that are not UTF-8', Buffer.from([0x61, 0x0a, 0xff, 0xfe]), /not UTF-8/],
    ['records of different lengths', Buffer.from('a,b\n1,2\n3\n'), /not well formed/],
    ['a column name that is used twice', Buffer.from('a,a\n1,2\n'), /used twice/],
    ['a file without rows', Buffer.from('a,b\n'), /no rows/]
  ])('is refused for %s', async (_description, bytes, message) => {
    await writeFile(file, bytes);
    await expect(openTable(file).then(inferSchema)).rejects.toMatchObject({
      code: 'malformed',
      message: expect.stringMatching(message)
    });
  });
});

describe('provisioning', () => {
  it('seals the data with the types of the schema, so that only its own file key opens it', async () => {
    const asset = await provisionVisits();
    const sealed = new Uint8Array(await readFile(asset.sealedFile));
    expect(digestOf(sealed)).toBe(asset.version.value.sealed.digest);
    const fileKey = await keys.fileKeyOf(await asset.header());
    const open = await openWithFileKey(fileKey, sealed);
    const rows = await parquetReadObjects({ file: new Uint8Array(open).buffer });
    expect(rows).toHaveLength(ROWS);
    expect(rows[1]).toMatchObject({
      patient_id: 'P-7700013',
      age: 27n,
      cost: 13.48,
      city: 'Bremen',
      chronic: false,
      note: 'free text, number 1',
      admitted: new Date('2026-02-11')
    });
    expect(rows[0]?.['note']).toBeNull();
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
    const schema = {
      columns: [{ name: 'age', type: 'integer' as const, nullable: false, minimum: '0', maximum: '30' }]
    };
    await expect(provisionVisits({ schema })).rejects.toMatchObject({
      code: 'malformed',
      message: expect.stringMatching(/in column "age" \d+ values are outside/)
    });
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

describe('a random stand-in', () => {
  it('depends only on the schema: two datasets with one schema have the same stand-in', async () => {
    const schema = (await inferSchema(await openTable(file))).schema;
    const first = await provisionVisits({ schema });
    await writeFile(file, CSV.split('\n').slice(0, 120).join('\n'));
    const second = await provisionVisits({ schema });
    expect(second.version.value.standIn.digest).toBe(first.version.value.standIn.digest);
    expect(second.version.value.sealed.digest).not.toBe(first.version.value.sealed.digest);
  });

  it('contains no undeclared value of the data, and conforms to its schema', async () => {
    const { schema } = await inferSchema(await openTable(file));
    const standIn = path.join(folder, 'stand-in.parquet');
    await writeFile(standIn, await randomStandIn(schema));
    const real = new Set(
      CSV.split('\n')
        .slice(1)
        .flatMap(line => line.split(',').slice(0, 2))
    );
    const rows = await parquetReadObjects({ file: new Uint8Array(await readFile(standIn)).buffer });
    expect(rows).toHaveLength(1000);
    for (const row of rows) {
      expect(real.has(String(row['patient_id']))).toBe(false);
      expect(real.has(String(row['surname']))).toBe(false);
      expect(CITIES).toContain(row['city']);
      expect(row['cost']).toBeGreaterThanOrEqual(0);
      expect(row['cost']).toBeLessThanOrEqual(3000);
    }
    expect(new Set(rows.map(row => String(row['patient_id']))).size).toBe(1000);
    expect((await inferSchema(await openTable(standIn))).schema.columns.map(({ type }) => type)).toEqual(
      schema.columns.map(({ type }) => type)
    );
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

describe('a schema file', () => {
  const read = (columns: object[]) => () =>
    readSchemaFile(new TextEncoder().encode(JSON.stringify({ columns })));

  it.each([
    [
      'a column that is listed twice',
      [
        { name: 'a', type: 'text', nullable: false },
        { name: 'a', type: 'text', nullable: false }
      ],
      /twice/
    ],
    [
      'bounds in the wrong order',
      [{ name: 'a', type: 'integer', nullable: false, minimum: '2', maximum: '1' }],
      /wrong order/
    ],
    [
      'bounds of a text column',
      [{ name: 'a', type: 'text', nullable: false, minimum: '1' }],
      /cannot have bounds/
    ],
    ['an unknown column type', [{ name: 'a', type: 'json', nullable: false }], /expected form/]
  ])('with %s is refused', (_description, columns, message) => {
    expect(read(columns)).toThrow(message);
  });
});
