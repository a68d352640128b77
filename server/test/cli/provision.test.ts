import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { routes } from '@clean-room/api/coordinator';
import { AssetVersion } from '@clean-room/protocol/assets';
import { requireOwnHost } from '../../src/cli/custodian/connect.js';
import { DemoWorld } from '../custodian/support/demo.js';

let world: DemoWorld;
const at = (name: string): string => path.join(world.root, name);

const REGIONS = ['north', 'south', 'west'];
const ROWS = Array.from({ length: 600 }, (_, row) => {
  const smoker = row % 5 === 0;
  return `P${String(100_000 + row * 7)},${20 + (row % 60)},${REGIONS[row % 3] ?? ''},${smoker ? 'yes' : 'no'},${(smoker ? 900 : 200) + (row % 40)}.50`;
});

beforeAll(async () => {
  world = await DemoWorld.create();
  await world.start();
  await writeFile(at('visits.csv'), ['person,age,region,smoker,cost', ...ROWS].join('\n'));
});

afterAll(() => world.stop());

const provision = (name: string, ...options: string[]) =>
  world.run(
    'provision',
    at('visits.csv'),
    '--name',
    name,
    '--preset',
    'health-research',
    '--json',
    ...options
  );

async function published(name: string) {
  const { items } = await world.client('university').call(routes.listAssets, {});
  const asset = items.find(item => item.name === name);
  return asset === undefined ? undefined : AssetVersion.peek(asset.version).value;
}

async function ledger(name: string): Promise<{ state: string; amount: { epsilon: string } }[]> {
  const { items } = (await world.run('datasets', '--party', 'hospital', '--json')).json<{
    items: { name: string; ledger: { state: string; amount: { epsilon: string } }[] }[];
  }>();
  return items.find(item => item.name === name)?.ledger ?? [];
}

describe('the provision command', () => {
  test('publishes a file with one line of policy, and shows what becomes public', async () => {
    const output = await provision('hospital/plain', '--yes');
    expect(output.json()).toMatchObject({
      name: 'hospital/plain',
      version: 1,
      rows: 600,
      sealedFor: 'simulation'
    });
    expect(output.err).toContain('For data about patients.');
    expect(output.err).toContain('region: text, one of north | south | west');
    const asset = await published('hospital/plain');
    expect(asset?.standIn).toMatchObject({ kind: 'random', rows: 1000 });
    expect(JSON.stringify(asset)).not.toContain('P100007');
  });

  test('makes a differentially private stand-in with the types of the data, and spends its privacy once', async () => {
    const output = await provision(
      'hospital/synthetic',
      ...['--yes', '--stand-in', 'synthetic', '--epsilon', '2', '--target', 'smoker', '--rows', '600']
    );
    expect(output.err).toContain(
      'will spend ε = 2 of the ε = 3 that the policy allows, and protect each row'
    );
    expect(output.code).toBe(0);
    const asset = await published('hospital/synthetic');
    expect(asset).toMatchObject({
      rows: { about: 600, source: 'declared' },
      standIn: {
        kind: 'synthetic',
        rows: 600,
        privacy: { epsilon: '2', delta: '0.000000001', unit: 'row', mechanism: 'tree/v1', target: 'smoker' }
      }
    });
    expect(await ledger('hospital/synthetic')).toEqual([
      expect.objectContaining({ state: 'spent', amount: expect.objectContaining({ epsilon: '2' }) })
    ]);
    const { stream } = await world.custodian('hospital').context.objects.get(asset!.standIn.digest);
    const file = at('stand-in.parquet');
    await writeFile(file, stream);
    const database = await (await DuckDBInstance.create()).connect();
    const table = `read_parquet('${file}')`;
    const types = await database.runAndReadAll(
      `select typeof(age), typeof(smoker), typeof(cost) from ${table} limit 1`
    );
    expect(types.getRows()).toEqual([['BIGINT', 'VARCHAR', expect.stringMatching(/^(DOUBLE|DECIMAL)/)]]);
    const means = await database.runAndReadAll(
      `select (avg(cost) filter (smoker = 'yes'))::double, (avg(cost) filter (smoker = 'no'))::double from ${table}`
    );
    const [[smokers, others] = []] = means.getRows() as number[][];
    expect(smokers).toBeGreaterThan(2 * (others ?? Infinity));
    database.closeSync();
    expect((await readFile(file)).toString('latin1')).not.toMatch(/P10\d{4}/);
  });

  test('refuses a stand-in that the policy’s privacy does not allow, before it reads data for it', async () => {
    const again = ['--yes', '--stand-in', 'synthetic', '--epsilon', '2.5'] as const;
    const output = await provision('hospital/synthetic', ...again);
    expect(output.code).not.toBe(0);
    expect(output.json()).toMatchObject({
      code: 'policy-refused',
      message: expect.stringContaining('have spent ρ')
    });
    expect((await published('hospital/synthetic'))?.version).toBe(1);
  });

  test('spends nothing when the stand-in is not confirmed', async () => {
    const output = await provision('hospital/unconfirmed', '--stand-in', 'synthetic');
    expect(output.json()).toMatchObject({ code: 'conflict', message: expect.stringContaining('Nothing') });
    expect(await published('hospital/unconfirmed')).toBeUndefined();
  });

  test.each<[string, string[], RegExp]>([
    ['an unknown column as target', ['--stand-in', 'synthetic', '--target', 'plan'], /no column "plan"/],
    ['an ε that is not a number', ['--stand-in', 'synthetic', '--epsilon', 'much'], /--epsilon much/],
    ['an unknown kind of stand-in', ['--stand-in', 'copied'], /--stand-in copied/]
  ])('refuses %s', async (_what, options, message) => {
    const output = await provision('hospital/refused', '--yes', ...options);
    expect(output.json()).toMatchObject({ code: 'malformed', message: expect.stringMatching(message) });
    expect(await published('hospital/refused')).toBeUndefined();
  });

  test('says what a new version changes', async () => {
    const lines = ['person,age,region,smoker,cost', ...ROWS.map(row => row.replace(',north,', ',east,'))];
    await writeFile(at('visits.csv'), lines.join('\n'));
    const output = await provision('hospital/plain', '--yes');
    expect(output.json()).toMatchObject({ version: 2 });
    expect(output.err).toContain('region: new categories: east  (!)');
    expect(output.err).toContain('region: categories that no longer occur: north');
  });
});

test('data is not read on a Jupyter host of the operator', () => {
  const roster = { title: 'Hospital', jupyterHost: 'operator-hosted' } as Parameters<
    typeof requireOwnHost
  >[0];
  expect(() => requireOwnHost(roster, { JUPYTERHUB_USER: 'ada' })).toThrow(
    expect.objectContaining({ code: 'forbidden', remedy: expect.stringContaining('your own organisation') })
  );
  expect(() => requireOwnHost({ ...roster, jupyterHost: 'own' }, { JUPYTERHUB_USER: 'ada' })).not.toThrow();
});
