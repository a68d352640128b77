import path from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Column, TableSchema } from '@clean-room/protocol/assets';
import { CleanRoomError } from '@clean-room/protocol/errors';
import type { ConformJob, Message } from './engine/messages.js';
import { DATABASE_MEMORY, DEFAULT_LIMITS, startJob, type JobLimits, type RunningJob } from './engine/run.js';
import { sizeOf, type Inspection } from './inspect.js';
import type { Reading } from './schema/reader.js';
import { plainReader } from './schema/declared.js';
import { OWN_DIALECT } from './source/dialect.js';

/** A table that is being written. */
export interface ConformedTable {
  /**
   * The bytes of the written file. Reading them ends with an error when the table does not conform to the schema, so bytes
   * that came before must not be used then.
   */
  readonly bytes: AsyncIterable<Uint8Array>;
  /** The number of rows, when all bytes were read. */
  rows(): number;
  /** The largest memory of the process that wrote the table, in bytes. */
  peakBytes(): number;
}

const FAULTS = {
  type: 'do not have the declared type',
  null: 'are missing, but the column is not declared as nullable',
  bounds: 'are outside the declared bounds',
  category: 'are not among the declared categories'
} as const;
const MAGIC = 'PAR1';

type Nonconforming = Extract<Message, { type: 'nonconforming' }>;

/** Describes faults by column, number and place. The message contains no value of the data. */
function nonconforming(
  { faults }: Nonconforming,
  schema: TableSchema,
  files: readonly string[],
  format: ConformJob['format']
): CleanRoomError {
  const [first] = faults;
  const column = schema.columns[first?.column ?? 0]?.name ?? '';
  const [place] = first?.first ?? [];
  const unit = format === 'csv' ? 'line' : 'row';
  const where =
    place === undefined
      ? ''
      : ` The first: ${path.basename(files[place.file] ?? '')}, ${unit} ${place.line}.`;
  const more = faults.length > 1 ? ` ${faults.length - 1} other columns or faults were found.` : '';
  return new CleanRoomError(
    'malformed',
    `The schema does not fit the data: in column "${column}" ${first?.count ?? 0} values ${FAULTS[first?.fault ?? 'type']}.${where}${more}`,
    { remedy: 'Correct the schema or the data. Nothing was published.' }
  );
}

/**
 * Passes the output on, and requires the complete end of a successful job: its message, its exit code and, for Parquet, the
 * footer.
 */
async function* complete(
  running: RunningJob,
  output: ConformJob['output'],
  finished: (rows: number) => void,
  failure: (message: Message) => CleanRoomError
): AsyncGenerator<Uint8Array> {
  let first = '';
  let last = Buffer.alloc(0);
  let ended = false;
  try {
    for await (const chunk of running.output as AsyncIterable<Buffer>) {
      if (first.length < MAGIC.length) first += chunk.subarray(0, MAGIC.length).toString('latin1');
      last = Buffer.concat([last, chunk.subarray(-MAGIC.length)]).subarray(-MAGIC.length);
      yield chunk;
    }
    const message = await running.message;
    if (message.type !== 'done') throw failure(message);
    if (output === 'parquet' && (!first.startsWith(MAGIC) || last.toString('latin1') !== MAGIC))
      throw new CleanRoomError('internal', 'The written table is not complete. Nothing was published.');
    finished(message.rows);
    ended = true;
  } finally {
    if (!ended) running.stop();
  }
}

function conformed(
  running: RunningJob,
  output: ConformJob['output'],
  expected: number | undefined,
  failure: (message: Message) => CleanRoomError
): ConformedTable {
  let rows = 0;
  const finished = (count: number): void => {
    if (expected !== undefined && count !== expected)
      throw new CleanRoomError(
        'conflict',
        `The table had ${expected} rows when it was inspected, but ${count} were written. Nothing was published.`,
        { remedy: 'Do not change the file in between, and run the command again.' }
      );
    rows = count;
  };
  return {
    bytes: complete(running, output, finished, failure),
    rows: () => rows,
    peakBytes: () => running.peakBytes()
  };
}

function failed(message: Message): CleanRoomError {
  return message.type === 'failed'
    ? new CleanRoomError('malformed', message.message, { remedy: message.remedy })
    : new CleanRoomError('internal', 'The writer of tables gave an unexpected answer.');
}

/** Refuses names that differ only in case: DuckDB would rename such columns when it writes them. */
function requireDistinctNames({ columns }: TableSchema): void {
  const seen = new Map<string, string>();
  for (const { name } of columns) {
    const other = seen.get(name.toLowerCase());
    if (other !== undefined) {
      throw new CleanRoomError('malformed', `The columns "${other}" and "${name}" differ only in case.`, {
        remedy: 'Rename one of them in the file. Nothing was published.'
      });
    }
    seen.set(name.toLowerCase(), name);
  }
}

/**
 * Writes a table with exactly the types of a schema: as Parquet (zstd), or as CSV for the process that makes stand-ins. Equal tables
 * and schemas give equal bytes.
 *
 * @param inspection - the inspection of the files, without open questions, with the schema that the provider has confirmed
 * @throws CleanRoomError `conflict` when questions are open; `malformed` from the stream when a value does not conform
 */
export async function conformTable(
  inspection: Inspection,
  output: ConformJob['output'] = 'parquet',
  limits: JobLimits = DEFAULT_LIMITS
): Promise<ConformedTable> {
  const [open] = inspection.questions;
  if (open !== undefined)
    throw new CleanRoomError('conflict', `A question about the table is open: ${open.text}`, {
      remedy: 'Answer it. Nothing was published.'
    });
  const { files, format, dialect, layout, schema } = inspection;
  requireDistinctNames(schema);
  const inputs = await Promise.all(
    files.map(async file => ({ name: path.basename(file), size: await sizeOf(file) }))
  );
  const job: ConformJob = {
    job: 'conform',
    output,
    files: inputs,
    format,
    dialect: dialect ?? OWN_DIALECT,
    width: layout.width,
    names: format === 'parquet' ? [...layout.names] : [],
    leaveOutOddRecords: layout.leaveOut,
    oldMacLines: layout.oldMacLines,
    schema,
    readings: [...inspection.readings],
    memory: DATABASE_MEMORY
  };
  const running = await startJob(job, files, limits);
  running.input.end();
  // Rows are left out only by the provider's word. Any other difference means that the file has changed since.
  const leftOut = inspection.readings.some(({ otherwise }) => otherwise === 'leave-out');
  const expected = leftOut ? undefined : inspection.rows;
  return conformed(running, output, expected, message =>
    message.type === 'nonconforming' ? nonconforming(message, schema, files, format) : failed(message)
  );
}

/** Returns how this program's own text of a column is read. */
function ownReading(column: Column, position: number): Reading {
  return { position, reader: plainReader(column), missing: [], otherwise: 'stop', sentinels: false };
}

function field(text: string | null): string {
  if (text === null) return '';
  return text === '' || /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/**
 * Writes text as Parquet with the types of a schema. The records have one empty field more than the schema has columns, because an
 * empty line of one column would not be a record.
 */
async function conformOwnText(
  text: AsyncIterable<Uint8Array | string>,
  schema: TableSchema,
  header: boolean
): Promise<Uint8Array> {
  const { columns } = schema;
  const job: ConformJob = {
    job: 'conform',
    output: 'parquet',
    files: [],
    format: 'csv',
    dialect: { ...OWN_DIALECT, header },
    width: columns.length + 1,
    names: [],
    leaveOutOddRecords: false,
    oldMacLines: false,
    schema,
    readings: columns.map(ownReading),
    memory: DATABASE_MEMORY
  };
  const running = await startJob(job, []);
  const writing = pipeline(Readable.from(text), running.input).catch(() => undefined);
  const parts: Uint8Array[] = [];
  for await (const part of complete(running, 'parquet', () => undefined, failed)) parts.push(part);
  await writing;
  return new Uint8Array(Buffer.concat(parts));
}

/**
 * Writes rows of text as Parquet with the types of a schema, by the same writer as {@link conformTable}.
 *
 * @param rows - the values of each row in the order of the schema: `null` for a missing value, dates and times in ISO 8601
 * @throws CleanRoomError `malformed` when a value does not conform to the schema
 */
export function conformText(
  rows: AsyncIterable<readonly (string | null)[]> | Iterable<readonly (string | null)[]>,
  schema: TableSchema
): Promise<Uint8Array> {
  async function* lines(): AsyncGenerator<string> {
    for await (const row of rows) yield `${row.map(field).join(',')},\n`;
  }
  return conformOwnText(lines(), schema, false);
}

/**
 * Writes CSV as Parquet with the types of a schema, by the same writer as {@link conformTable}.
 *
 * @param csv - a header, then records in the order of the schema with an empty field at the end
 * @throws CleanRoomError `malformed` when a value does not conform to the schema
 */
export function conformCsv(csv: AsyncIterable<Uint8Array>, schema: TableSchema): Promise<Uint8Array> {
  return conformOwnText(csv, schema, true);
}
