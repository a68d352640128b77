/**
 * Measures reading a table exactly, writing it as Parquet and sealing it, and compares it with DuckDB's plain copy of the same CSV
 * file to Parquet in the same run, and with fixed times for three shapes of tables. The memory of the jailed process is
 * measured too. `CLEAN_ROOM_BENCH_ROWS` sets the rows of the table that is compared with the plain copy: 60 million rows
 * are about 10 GB.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { performance } from 'node:perf_hooks';
import { join } from 'node:path';
import { ReadableStream } from 'node:stream/web';
import { DuckDBInstance } from '@duckdb/node-api';
import { Encrypter, generateX25519Identity, identityToRecipient } from 'age-encryption';
import { print } from '../../packages/protocol/bench/figures.ts';
import { conformTable } from '../lib/provisioning/conform.js';
import { inspectTable } from '../lib/provisioning/inspect.js';

const COMPARED_ROWS = Number(process.env.CLEAN_ROOM_BENCH_ROWS ?? 2_000_000);
const PLAIN_RATIO = 2.5;
const MAX_MEGABYTES = 1000;

const list = (count, column) => Array.from({ length: count }, (_, index) => column(index)).join(', ');
const hash = seed => `hash(i * 64 + ${seed})`;

/** Integers, decimals, dates, categories, a code, a flag and a text: 20 columns. */
const TWENTY = [
  list(5, k => `(${hash(k)} % 100000)::BIGINT AS i${k}`),
  list(5, k => `round((${hash(k + 10)} % 1000000) / 100.0, 2) AS d${k}`),
  list(3, k => `DATE '2000-01-01' + (${hash(k + 20)} % 8000)::INT AS t${k}`),
  list(4, k => `(['alpha', 'beta', 'gamma', 'delta'])[1 + (${hash(k + 30)} % 4)::INT] AS c${k}`),
  "'P' || lpad(i::VARCHAR, 8, '0') AS code",
  `${hash(40)} % 2 = 0 AS flag`,
  `'note ' || (${hash(41)} % 500000) AS note`
].join(', ');
const FIVE = `i AS id, (${hash(1)} % 1000)::INT AS n, round((${hash(2)} % 100000) / 100.0, 2) AS x, DATE '2010-01-01' + (${hash(3)} % 3000)::INT AS d, (['a', 'b', 'c'])[1 + (${hash(4)} % 3)::INT] AS g`;
const WIDE = [
  list(250, k => `(${hash(k)} % 1000)::INT AS i${k}, round((${hash(k + 1000)} % 10000) / 100.0, 2) AS d${k}`),
  list(
    250,
    k => `(['x', 'y', 'z'])[1 + (${hash(k + 2000)} % 3)::INT] AS t${k}, (${hash(k + 3000)} % 2)::INT AS b${k}`
  )
].join(', ');

const folder = mkdtempSync(join(tmpdir(), 'clean-room-bench-tables-'));

async function sql(statement) {
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  await connection.run(statement);
  connection.closeSync();
  instance.closeSync();
}

async function generate(name, columns, rows) {
  const file = join(folder, name);
  await sql(`COPY (SELECT ${columns} FROM range(${rows}) t(i)) TO '${file}' (HEADER)`);
  return file;
}

/** Copies a CSV file to Parquet as DuckDB does it by itself, in a process of its own. Returns the milliseconds. */
function plainCopy(file) {
  const target = join(folder, 'plain.parquet');
  const program = `import { DuckDBInstance } from '@duckdb/node-api';
const connection = await (await DuckDBInstance.create(':memory:')).connect();
await connection.run("COPY (FROM read_csv('${file}')) TO '${target}' (FORMAT parquet, COMPRESSION zstd)");`;
  const started = performance.now();
  execFileSync(process.execPath, ['--input-type=module', '--eval', program], { cwd: import.meta.dirname });
  return performance.now() - started;
}

/** Reads, infers, writes and seals a table. Returns the milliseconds and the largest memory of the jailed processes. */
async function provision(file) {
  const started = performance.now();
  const inspection = await inspectTable([file]);
  const table = await conformTable(inspection);
  const encrypter = new Encrypter();
  encrypter.addRecipient(await identityToRecipient(await generateX25519Identity()));
  const sealed = await encrypter.encrypt(ReadableStream.from(table.parquet));
  let bytes = 0;
  for await (const part of sealed) bytes += part.length;
  const ms = performance.now() - started;
  const megabytes = Math.max(inspection.peakBytes, table.peakBytes()) / 1e6;
  console.error(
    `${table.rows()} rows: ${(ms / 1000).toFixed(1)} s, ${megabytes.toFixed(0)} MB, sealed ${bytes} bytes`
  );
  return { ms, megabytes };
}

try {
  const figures = [];
  const shapes = [
    ['1 million × 20', TWENTY, 1_000_000, 12],
    ['5,000 × 1,000', WIDE, 5000, 10],
    ['3 million × 5', FIVE, 3_000_000, 8]
  ];
  let most = 0;
  for (const [figure, columns, rows, seconds] of shapes) {
    const { ms, megabytes } = await provision(await generate('shape.csv', columns, rows));
    most = Math.max(most, megabytes);
    figures.push({
      ...{ figure: `read, write and seal ${figure}`, unit: 'ms', value: ms },
      ...{ against: 'fixed time', reference: seconds * 1000, limit: 1 }
    });
  }
  const compared = await generate('compared.csv', TWENTY, COMPARED_ROWS);
  const plain = plainCopy(compared);
  const { ms, megabytes } = await provision(compared);
  figures.push(
    {
      ...{ figure: `read, write and seal ${COMPARED_ROWS} × 20`, unit: 'ms', value: ms },
      ...{ against: "DuckDB's plain copy", reference: plain, limit: PLAIN_RATIO }
    },
    {
      ...{ figure: 'largest memory of a jailed process', unit: 'MB', value: Math.max(most, megabytes) },
      ...{ against: 'fixed size', reference: MAX_MEGABYTES, limit: 1 }
    }
  );
  print(figures);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
