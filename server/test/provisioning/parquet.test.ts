import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { inspectTable } from '../../src/provisioning/inspect.js';
import { convert, readParquet, sql, TableFolder } from './support/tables.js';

const folder = new TableFolder();
beforeAll(() => folder.create());
afterAll(() => folder.remove());

const QUERY = `SELECT
  lpad(i::VARCHAR, 5, '0') AS code,
  (9007199254740993 + i)::BIGINT AS big,
  (18446744073709551615 - i)::UBIGINT AS unsigned,
  (i + 0.05)::DECIMAL(12, 2) AS price,
  (i / 3)::FLOAT AS single,
  i % 2 = 0 AS flag,
  DATE '2024-02-01' + i::INT AS day,
  TIME '12:00:00.123456' AS clock,
  TIMESTAMP '2021-03-01 12:00:00.123456' + INTERVAL (i) SECOND AS local,
  TIMESTAMP_NS '2021-03-01 12:00:00.123456789' AS nano,
  TIMESTAMPTZ '2021-03-01 12:00:00.5+02' AS zoned,
  '123e4567-e89b-12d3-a456-426614174000'::UUID AS key,
  (CASE WHEN i % 3 = 0 THEN 'NaN' ELSE '1.5' END)::DOUBLE AS maybe,
  CASE WHEN i = 7 THEN NULL ELSE 'x' END AS gap
FROM range(30) t(i)`;

describe('a Parquet file', () => {
  it.each(['snappy', 'zstd', 'gzip', 'lz4_raw', 'brotli', 'uncompressed'])(
    'compressed with %s keeps its types and values',
    async codec => {
      const file = await folder.parquet('typed.parquet', QUERY, `, COMPRESSION ${codec}`);
      const { types, rows, inspection } = await convert(folder, [file]);
      expect(inspection.questions).toEqual([]);
      const before = await readParquet(folder, new Uint8Array(await readFile(file)));
      expect(types).toEqual({ ...before.types, unsigned: 'DECIMAL(38,0)', single: 'DOUBLE' });
      const single = Object.keys(types).indexOf('single');
      const without = (row: readonly (string | null)[]) => row.filter((_, column) => column !== single);
      expect(rows.map(without)).toEqual(before.rows.map(without));
      expect(Number(rows[1]?.[single])).toBe(Math.fround(1 / 3));
      expect(rows[0]?.[0]).toBe('00000');
    }
  );

  it('with columns that cannot be provisioned names each, and is published without them', async () => {
    const file = await folder.parquet(
      'refused.parquet',
      "SELECT 1 AS x, 'x'::BLOB AS bytes, [1] AS list, {a: 1} AS record, INTERVAL 1 DAY AS span"
    );
    const { questions } = await inspectTable([file]);
    expect(questions.map(({ text }) => text)).toEqual([
      'Column "bytes" cannot be provisioned: it contains bytes.',
      'Column "list" cannot be provisioned: it is nested (a list, a map or a record).',
      'Column "record" cannot be provisioned: it is nested (a list, a map or a record).',
      'Column "span" cannot be provisioned: it contains time intervals.'
    ]);
    const answers = Object.fromEntries(questions.map(({ id }) => [id, 'leave-out']));
    expect((await convert(folder, [file], { answers })).types).toEqual({ x: 'BIGINT' });
  });

  it('that is damaged is refused', async () => {
    const good = new Uint8Array(await readFile(await folder.parquet('good.parquet', QUERY)));
    const cut = await folder.write('cut.parquet', good.subarray(0, 600));
    await expect(inspectTable([cut])).rejects.toMatchObject({
      code: 'malformed',
      message: 'cut.parquet cannot be read as Parquet: its footer is damaged.'
    });
    const mangled = good.slice();
    mangled.fill(255, 4, good.length - 3000);
    const file = await folder.write('mangled.parquet', mangled);
    await expect(inspectTable([file])).rejects.toMatchObject({
      code: 'malformed',
      message: expect.stringContaining('mangled.parquet cannot be read as Parquet')
    });
  });

  it('gives the same bytes each time', async () => {
    const file = await folder.parquet('same.parquet', 'SELECT i, i * 1.5 AS x FROM range(200000) t(i)');
    const first = await convert(folder, [file]);
    const before = await readFile(path.join(folder.path, 'written.parquet'));
    await convert(folder, [file]);
    expect((await readFile(path.join(folder.path, 'written.parquet'))).equals(before)).toBe(true);
    expect(first.rows).toHaveLength(200_000);
  });
});

const CASES = fileURLToPath(new URL('../../../../shared/cases/tables', import.meta.url));
const withCases = existsSync(CASES) ? describe : describe.skip;
if (!existsSync(CASES)) console.warn(`Skipped the shared example tables: ${CASES} does not exist.`);

withCases('the shared example tables', () => {
  const at = (name: string): string => path.join(CASES, name);

  it.each([
    ['bigint19.csv', { id: 'integer', n: 'integer' }],
    ['lead0.csv', { code: 'text', v: 'integer' }],
    ['numtext.parquet', { zip: 'text', plz: 'text', n: 'integer' }],
    ['ts_us.parquet', { t: 'timestamp', n: 'integer' }],
    ['decimal.parquet', { d: 'decimal', n: 'integer' }],
    ['semi_comma.csv', { id_x: 'integer', price: 'number', qty: 'integer' }],
    ['pipe.csv', { a: 'integer', b: 'integer', c: 'integer' }],
    ['bool_then_text.csv', { smoker: 'text', v: 'integer' }],
    ['num_then_text.csv', { dose: 'text', v: 'integer' }],
    ['na_first.csv', { group: 'text', v: 'integer' }],
    ['sep_line.csv', { a: 'integer', b: 'integer' }],
    ['sentinel.csv', { x: 'number', n: 'integer' }],
    ['c_zstd.parquet', { x: 'integer' }],
    ['tz.csv', { t: 'timestamp', n: 'integer' }],
    ['utf16.csv', { a: 'integer', b: 'integer' }],
    ['question.csv', { age: 'integer', n: 'integer' }]
  ])('%s is written with its types, and no value changes unasked', async (name, expected) => {
    const { questions } = await inspectTable([at(name)]);
    const answers = Object.fromEntries(
      questions.map(({ id, lossless, proposal }) => [id, lossless ?? proposal])
    );
    const { inspection, rows } = await convert(folder, [at(name)], { answers });
    const types = Object.fromEntries(inspection.schema.columns.map(column => [column.name, column.type]));
    expect(types).toEqual(expected);
    expect(rows).toHaveLength(60);
    if (name === 'bigint19.csv') expect(new Set(rows.map(([id]) => id)).size).toBe(60);
    if (name === 'numtext.parquet' || name === 'lead0.csv') expect(rows[1]?.[0]).toMatch(/^0000\d$/);
    if (name === 'ts_us.parquet')
      expect(rows).toEqual(await sql(`SELECT t::VARCHAR, n::VARCHAR FROM '${at(name)}'`));
  });

  it('that need a decision or cannot be read say so', async () => {
    const asked = async (name: string) => (await inspectTable([at(name)])).questions.map(({ id }) => id);
    expect(await asked('thousands.csv')).toEqual(['reading:amount']);
    expect(await asked('binary.parquet')).toEqual(['column:b']);
    expect(await asked('ragged.csv')).toEqual(['records']);
    await expect(inspectTable([at('dup_cols.csv')])).rejects.toMatchObject({
      message: expect.stringContaining('for columns 1 and 2')
    });
  });
});
