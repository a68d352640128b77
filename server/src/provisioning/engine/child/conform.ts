import { createReadStream } from 'node:fs';
import { SourceFailure } from '../../source/failure.js';
import type { ConformJob, Message } from '../messages.js';
import {
  copyStatement,
  faultConditions,
  faultQuery,
  NONCONFORMING,
  type ConformedColumn
} from '../sql/conform.js';
import { readParquet, readRecords } from '../sql/read.js';
import { Database } from './database.js';
import { INPUT_PIPE, normalisedRecords, OUTPUT_PIPE, whileFeeding, type TextTable } from './source.js';
import { linesOf, textFiles } from './text.js';

const COLUMNS_PER_CHECK = 50;
type Fault = Extract<Message, { type: 'nonconforming' }>['faults'][number];

/** A table that can be queried. */
interface OpenTable {
  readonly run: (sql: (source: string) => string) => Promise<unknown[][]>;
  readonly placesOf: (rows: ReadonlySet<number>) => Promise<ReadonlyMap<number, Fault['first'][number]>>;
  /** Whether it can be read more than once. */
  readonly rereadable: boolean;
}

async function openText(job: ConformJob, input: () => NodeJS.ReadableStream): Promise<OpenTable> {
  const piped = {
    path: '',
    name: 'The table',
    packing: 'none' as const,
    size: 0,
    oldMacLines: false,
    open: input as never
  };
  const files = job.files.length === 0 ? [piped] : textFiles(job.files, job.oldMacLines);
  const table: TextTable = { files, dialect: job.dialect, width: job.width };
  const database = await Database.open([INPUT_PIPE, OUTPUT_PIPE], job.memory);
  const odd = (): { odd: () => void } => ({
    odd: () => {
      if (job.leaveOutOddRecords) return;
      throw new SourceFailure(
        'A record does not have the number of values that the others have.',
        'Inspect the file again: it has changed.'
      );
    }
  });
  // Carriage returns inside fields are legal, and only the non-strict mode of DuckDB reads them.
  const source = readRecords(INPUT_PIPE, job.dialect, job.width, true);
  return {
    run: sql => whileFeeding(normalisedRecords(table, odd), () => database.rows(sql(source))),
    placesOf: rows => linesOf(table, rows),
    rereadable: job.files.length > 0
  };
}

async function openParquet(job: ConformJob): Promise<OpenTable> {
  const paths = job.files.map((_, index) => `/input/${index}`);
  const database = await Database.open([...paths, OUTPUT_PIPE], job.memory);
  const source = readParquet(paths, job.names);
  return {
    run: sql => database.rows(sql(source)),
    placesOf: async rows => new Map([...rows].map(row => [row, { file: 0, line: row }])),
    rereadable: true
  };
}

/** Counts the cells that do not conform to the schema, and finds the places of the first of them. */
async function faultsOf(table: OpenTable, columns: readonly ConformedColumn[]): Promise<Fault[]> {
  const faults: Fault[] = [];
  const rows: number[][] = [];
  for (let from = 0; from < columns.length; from += COLUMNS_PER_CHECK) {
    const chunk = columns.slice(from, from + COLUMNS_PER_CHECK);
    const kinds = chunk.flatMap((conformed, index) =>
      faultConditions(conformed, `v${index}`).map(({ fault }) => ({ fault, column: from + index }))
    );
    if (kinds.length === 0) continue;
    const [fields = []] = await table.run(source => faultQuery(source, chunk));
    for (const [index, kind] of kinds.entries()) {
      const count = Number(fields[index * 2]);
      if (count === 0 || faults.length >= 100) continue;
      faults.push({ ...kind, count, first: [] });
      rows.push(((fields[index * 2 + 1] ?? []) as unknown[]).map(Number));
    }
  }
  const places = await table.placesOf(new Set(rows.flat()));
  return faults.map((fault, index) => ({
    ...fault,
    first: (rows[index] ?? []).flatMap(row => places.get(row) ?? [])
  }));
}

/** Passes the bytes from the pipe to standard output. Resolves when all of them are written. */
async function passOn(): Promise<void> {
  for await (const chunk of createReadStream(OUTPUT_PIPE, { highWaterMark: 1024 * 1024 })) {
    if (!process.stdout.write(chunk as Buffer))
      await new Promise(resolve => process.stdout.once('drain', resolve));
  }
}

/** Writes the table to standard output. Returns the number of rows, or the cells that do not conform. */
export async function conform(job: ConformJob, input: () => NodeJS.ReadableStream): Promise<Message> {
  const columns = job.readings.map((reading, index): ConformedColumn => {
    const column = job.schema.columns[index];
    if (column === undefined) throw new SourceFailure('A column has no schema.', 'Report this as an error.');
    return { column, reading };
  });
  const table = await (job.format === 'parquet' ? openParquet(job) : openText(job, input));
  const passing = passOn();
  try {
    const [[rows] = [0]] = await table.run(source => copyStatement(source, columns, job.output, OUTPUT_PIPE));
    await passing;
    return { type: 'done', rows: Number(rows) };
  } catch (error) {
    const nonconforming = error instanceof Error && error.message.includes(NONCONFORMING);
    if (!nonconforming || !table.rereadable) throw error;
    const faults = await faultsOf(table, columns);
    if (faults.length === 0) throw error;
    return { type: 'nonconforming', faults };
  }
}
