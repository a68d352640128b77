import { SourceFailure } from '../../source/failure.js';
import { firstBytes, packingOf } from '../../source/bytes.js';
import type { ColumnFacts, InspectFacts, InspectJob } from '../messages.js';
import { readParquet, readRecords } from '../sql/read.js';
import { cell } from '../sql/read.js';
import { Database } from './database.js';
import { parquetColumns, type ParquetColumn } from './parquet.js';
import { profileColumns, type ProfiledFacts, type StartColumn, type TableQuery } from './profile.js';
import { INPUT_PIPE, normalisedRecords, whileFeeding } from './source.js';
import { linesOf, scanText, type Row } from './text.js';

const MAX_SAMPLED_VALUES = 3000;
const MAX_VALUE = 200;
const PREVIEW_ROWS = 10;
const SAMPLED_PER_QUERY = 50;

function sampleOf(rows: readonly Row[], position: number): Map<string, number> {
  const sample = new Map<string, number>();
  for (const row of rows) {
    const text = row[position];
    if (text === null || text === undefined || text === '') continue;
    if (sample.size >= MAX_SAMPLED_VALUES && !sample.has(text)) continue;
    sample.set(text, (sample.get(text) ?? 0) + 1);
  }
  return sample;
}

function previewOf(rows: readonly Row[]): InspectFacts['preview'] {
  return rows.slice(0, PREVIEW_ROWS).map(row => row.map(text => text?.slice(0, MAX_VALUE) ?? null));
}

async function inspectText(job: InspectJob): Promise<InspectFacts> {
  const scanned = await scanText(job);
  const { table, names, facts: text } = scanned;
  const database = await Database.open([INPUT_PIPE], job.memory);
  const source = readRecords(INPUT_PIPE, table.dialect, table.width, text.carriageReturns);
  const query: TableQuery = async sql => {
    const records = normalisedRecords(table, () => ({ odd: () => undefined }));
    const [row = []] = await whileFeeding(records, () => database.rows(sql(source)));
    return row;
  };
  const readers = new Map(job.readers.map(({ name, reader }) => [name, reader]));
  const starts = names.map((name, position): StartColumn => {
    const fixed = readers.get(name);
    return {
      position,
      name,
      sample: sampleOf(scanned.sample, position),
      ...(fixed === undefined ? {} : { fixed })
    };
  });
  const { facts, rows } = await profileColumns(
    query,
    starts,
    job.conventions,
    table.dialect.delimiter === ','
  );
  if (rows !== scanned.rows)
    throw new SourceFailure(
      `The file has ${scanned.rows} records, but the database read ${rows} of them.`,
      'Report this as an error of the program, with the dialect of the file. Nothing was changed.'
    );
  const numbers = new Set(facts.flatMap(({ rowMisfits }) => rowMisfits.map(({ row }) => row)));
  const lines = await linesOf(table, numbers);
  return {
    rows,
    columns: facts.map(one => withPlaces(one, row => lines.get(row) ?? { file: 0, line: 0 })),
    preview: previewOf(scanned.sample.map(row => row.slice(0, names.length))),
    text
  };
}

function withPlaces(
  { rowMisfits, ...facts }: ProfiledFacts,
  place: (row: number) => ColumnFacts['firstMisfits'][number]['place']
): ColumnFacts {
  return {
    ...facts,
    firstMisfits: rowMisfits.map(({ row, text }) => ({ place: place(row), text })),
    lossy: false
  };
}

async function parquetSample(
  database: Database,
  source: string,
  columns: readonly ParquetColumn[]
): Promise<(string | null)[][]> {
  const rows: (string | null)[][] = [];
  const wanted = Math.min(10_000, Math.max(100, Math.floor(1_000_000 / columns.length)));
  for (let from = 0; from < columns.length; from += SAMPLED_PER_QUERY) {
    const cells = columns
      .slice(from, from + SAMPLED_PER_QUERY)
      .map(({ refused }, index) => (refused === undefined ? `${cell(from + index)}::VARCHAR` : 'NULL'));
    const part = await database.rows(`SELECT ${cells.join(', ')} FROM ${source} LIMIT ${wanted}`);
    part.forEach((row, index) => (rows[index] ??= []).push(...(row as (string | null)[])));
  }
  return rows;
}

async function inspectParquet(job: InspectJob): Promise<InspectFacts> {
  const paths = job.files.map((_, index) => `/input/${index}`);
  const database = await Database.open(paths, job.memory);
  const columns = await parquetColumns(database, job.files);
  const source = readParquet(
    paths,
    columns.map(({ name }) => name)
  );
  const damaged = (error: unknown): never => {
    if (error instanceof SourceFailure) throw error;
    throw new SourceFailure(
      `${job.files[0]?.name ?? ''} cannot be read as Parquet: its data is damaged, or encoded in a way that is not supported.`,
      'Write the file again, or copy it again from its source.'
    );
  };
  const sample = await parquetSample(database, source, columns).catch(damaged);
  const query: TableQuery = async sql => {
    const [row = []] = await database.rows(sql(source)).catch(damaged);
    return row;
  };
  const chosen = new Map(job.readers.map(({ name, reader }) => [name, reader]));
  const readable = columns.flatMap((column, position): StartColumn[] => {
    if (column.refused !== undefined) return [];
    const own = chosen.get(column.name);
    const fixed = own === undefined || own.type === column.reader.type ? column.reader : own;
    return [{ position, name: column.name, sample: sampleOf(sample, position), fixed }];
  });
  const { facts, rows } = await profileColumns(query, readable, job.conventions, false);
  if (rows === 0 && readable.length > 0)
    throw new SourceFailure(`${job.files[0]?.name ?? ''} has no rows.`, 'Provision a file with rows.');
  const byPosition = new Map(facts.map(one => [one.position, one]));
  const result: ColumnFacts[] = [];
  for (const [position, column] of columns.entries()) {
    const found = byPosition.get(position);
    if (found === undefined) {
      result.push(refusedColumn(position, column));
      continue;
    }
    const check = column.lossCheck?.(cell(position));
    const lost =
      check === undefined
        ? 0
        : Number((await query(from => `SELECT count(*) FILTER (${check}) FROM ${from}`))[0]);
    result.push({ ...withPlaces(found, row => ({ file: 0, line: row })), lossy: column.lossy || lost > 0 });
  }
  return { rows, columns: result, preview: previewOf(sample) };
}

function refusedColumn(position: number, { name, reader, refused }: ParquetColumn): ColumnFacts {
  return {
    position,
    name,
    reader,
    alternatives: [],
    filled: 0,
    values: 0,
    missing: [],
    misfits: 0,
    firstMisfits: [],
    sentinels: 0,
    different: { values: 0, different: 0 },
    decimals: 0,
    ...(refused === undefined ? {} : { refused }),
    lossy: false
  };
}

/** Reads the files of a job and returns facts about them. */
export async function inspect(job: InspectJob): Promise<InspectFacts> {
  const [first] = job.files;
  if (first === undefined) throw new SourceFailure('No file was given.', 'Name a file.');
  const packing = packingOf(first.name, firstBytes('/input/0', 16));
  return packing === 'parquet' ? inspectParquet(job) : inspectText(job);
}
