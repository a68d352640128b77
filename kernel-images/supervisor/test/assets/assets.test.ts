import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { ReleasedKeys } from '../../src/keys/answer.js';
import type { TransferAddress } from '@clean-room/protocol/jobs';
import { openSealed } from '../../src/assets/open-sealed.js';
import { downloadSealed } from '../../src/assets/sealed-download.js';
import { clearInputs, writeAssets, writeParameters } from '../../src/assets/jail-inputs.js';
import { verifyJob } from '../../src/trust/verify-job.js';
import { JobServer } from '../support/job-server.js';
import { makeWorld, type Table, type World } from '../support/world.js';

const ROWS = 50_000;
const TABLE: readonly Table[] = [
  { name: 'id', data: Array.from({ length: ROWS }, (_, index) => index * 7), type: 'INT32' },
  { name: 'cost', data: Array.from({ length: ROWS }, (_, index) => Math.sin(index) * 1000), type: 'DOUBLE' }
];
let world: World;
let server: JobServer;
let jail: string;
const target = () => join(jail, 'data.parquet');

function sealedAddress(): TransferAddress {
  return { method: 'GET', url: `${server.address}/sealed`, headers: {}, expires: '2099-01-01T00:00:00Z' };
}

function asset(change: Partial<Parameters<typeof openSealed>[0]> = {}) {
  const { digest, bytes } = world.assetValue.sealed;
  const address = async () => sealedAddress();
  return { address, digest, bytes, fileKey: world.fileKey, ...change };
}

beforeEach(async () => {
  world = await makeWorld({ table: TABLE });
  server = await JobServer.open(world);
  jail = await mkdtemp('/tmp/clean-room-jail-');
  await mkdir(join(jail, 'data'));
});
afterEach(async () => {
  await server.close();
  await rm(jail, { recursive: true });
});

test('a sealed asset is decrypted to the disk, also after a broken connection', async () => {
  server.failures.set('GET /sealed', [0, 503]);
  await openSealed(asset(), target());
  expect((await readFile(target())).subarray(0, 4).toString()).toBe('PAR1');
});

test.each([
  ['continues from the byte at which the connection broke', true],
  ['starts again where the server does not support ranges', false]
])('a download %s', async (_name, ranges) => {
  server.ranges = ranges;
  server.breaks.push(1, 70_000, 200_000);
  let addresses = 0;
  const address = async () => {
    addresses += 1;
    return sealedAddress();
  };
  await openSealed(asset({ address }), target());
  expect((await readFile(target())).subarray(0, 4).toString()).toBe('PAR1');
  // An address is valid for minutes only, so each connection asks for another one.
  expect(addresses).toBe(4);
});

test('a download that never makes progress ends', async () => {
  server.failures.set(
    'GET /sealed',
    Array.from({ length: 1000 }, () => 503)
  );
  const source = { bytes: 10, address: async () => sealedAddress() };
  const policy = { totalMs: 100, firstDelayMs: 5, longestDelayMs: 20 };
  await expect(downloadSealed(source, undefined, policy).next()).rejects.toMatchObject({
    code: 'unavailable'
  });
});

describe('openSealed refuses and deletes', () => {
  test('a file with a changed byte', async () => {
    server.sealed = world.sealed.map((byte, index) => (index === world.sealed.length - 1 ? byte ^ 1 : byte));
    await expect(openSealed(asset(), target())).rejects.toMatchObject({ code: 'key-release-refused' });
    expect(existsSync(target())).toBe(false);
  });

  test('another file that the same key decrypts', async () => {
    await expect(openSealed(asset({ digest: `sha256:${'0'.repeat(64)}` }), target())).rejects.toMatchObject({
      code: 'digest-mismatch'
    });
    expect(existsSync(target())).toBe(false);
  });

  test('a truncated file', async () => {
    const bytes = world.sealed.length - 1000;
    server.sealed = world.sealed.subarray(0, bytes);
    await expect(openSealed(asset({ bytes }), target())).rejects.toMatchObject({
      code: 'key-release-refused'
    });
    expect(existsSync(target())).toBe(false);
  });

  test('a file that is longer than the asset version says', async () => {
    const bytes = world.sealed.length - 1;
    await expect(openSealed(asset({ bytes }), target())).rejects.toMatchObject({ code: 'too-large' });
    expect(existsSync(target())).toBe(false);
  });

  test('a file that was encrypted with another key', async () => {
    await expect(openSealed(asset({ fileKey: new Uint8Array(16) }), target())).rejects.toMatchObject({
      code: 'key-release-refused'
    });
    expect(existsSync(target())).toBe(false);
  });

  test('a file that does not exist', async () => {
    server.failures.set('GET /sealed', [404]);
    await expect(openSealed(asset(), target())).rejects.toMatchObject({ code: 'not-found' });
  });
});

describe('in the jail', () => {
  async function open() {
    const { assets } = await verifyJob(world.job, world.facts);
    const key = world.fileKey.slice();
    const released = new Map([
      ['hospital', { fileKeys: new Map([[world.asset.digest, key]]) } as unknown as ReleasedKeys]
    ]);
    const datasets = await writeAssets(jail, assets, released, async () => sealedAddress());
    return { datasets, key };
  }

  test('data and schema are readable by all, writable only by the supervisor, and the key is erased', async () => {
    const { datasets, key } = await open();
    const folder = join(jail, 'data/hospital/visits');
    expect((await readdir(folder)).sort()).toEqual(['data.parquet', 'schema.json']);
    for (const [path, mode] of [
      [folder, 0o755],
      [join(folder, 'data.parquet'), 0o644],
      [join(folder, 'schema.json'), 0o644]
    ] as const) {
      expect((await stat(path)).mode & 0o777).toBe(mode);
    }
    expect(JSON.parse(await readFile(join(folder, 'schema.json'), 'utf8'))).toMatchObject({
      name: 'hospital/visits'
    });
    expect(datasets).toMatchObject([
      { name: 'hospital/visits', rows: ROWS, columns: [{ name: 'id' }, { name: 'cost' }] }
    ]);
    expect(key.every(byte => byte === 0)).toBe(true);
  });

  test('the dataset can be read row by row', async () => {
    const { datasets } = await open();
    let [rows, sum] = [0, 0];
    for await (const batch of datasets[0]?.batches() ?? []) {
      rows += batch.rows;
      for (let row = 0; row < batch.rows; row++) sum += Number(batch.columns[0]?.[row]);
    }
    expect([rows, sum]).toEqual([ROWS, (7 * ROWS * (ROWS - 1)) / 2]);
  });

  test('parameters are those of the spec, and all inputs can be removed', async () => {
    await open();
    await writeParameters(jail, world.spec.value.parameters);
    expect(await readFile(join(jail, 'clean-room/parameters.json'), 'utf8')).toBe('{"folds":5}');
    await clearInputs(jail);
    expect([existsSync(join(jail, 'clean-room')), await readdir(join(jail, 'data'))]).toEqual([false, []]);
  });
});
