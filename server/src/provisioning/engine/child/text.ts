import {
  decoded,
  encodingOf,
  firstBytes,
  hasOldMacLines,
  packingOf,
  unpackedBytes,
  openFile
} from '../../source/bytes.js';
import type { Dialect, Encoding } from '../../source/dialect.js';
import { SourceFailure } from '../../source/failure.js';
import { fieldsOf, NotUtf8, type RecordReader } from '../../source/records.js';
import { sniffDialect, type SniffedDialect } from '../../source/sniff.js';
import type { InspectFacts, InspectJob } from '../messages.js';
import { normalisedRecords, type TextFile, type TextTable } from './source.js';

const SNIFFED_BYTES = 512 * 1024;
const SAMPLE_ROWS = 10_000;
const SAMPLE_CELLS = 1_000_000;
const MAX_WIDTH = 10_001;

type Text = NonNullable<InspectFacts['text']>;
type Place = Text['firstOddRecords'][number]['place'];

/** The cells of a row: null for an empty cell without quotation marks. */
export type Row = readonly (string | null)[];

/** A text table that was read once, from the first to the last record. */
export interface ScannedText {
  readonly table: TextTable;
  readonly names: readonly string[];
  readonly rows: number;
  readonly sample: readonly Row[];
  readonly facts: Text;
}

/** Opens the text files of a job. All of them must be text. */
export function textFiles(files: InspectJob['files'], oldMacLines = false): TextFile[] {
  return files.map(({ name, size }, index) => {
    const path = `/input/${index}`;
    const packing = packingOf(name, firstBytes(path, 16));
    if (packing === 'parquet')
      throw new SourceFailure(
        `${name} is a Parquet file, but other files of this table are text.`,
        'Provision files of one kind as one table.'
      );
    return { path, name, packing, size, oldMacLines };
  });
}

/** Reads the beginning of a file, unpacked. */
async function beginningOf(file: TextFile): Promise<{ bytes: Buffer; complete: boolean }> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of unpackedBytes(file.name, openFile(file.path), file.packing, file.size)) {
    chunks.push(chunk);
    length += chunk.length;
    if (length >= SNIFFED_BYTES)
      return { bytes: Buffer.concat(chunks).subarray(0, SNIFFED_BYTES), complete: false };
  }
  return { bytes: Buffer.concat(chunks), complete: true };
}

async function textOf(bytes: Buffer, encoding: Encoding, complete: boolean): Promise<string> {
  if (encoding !== 'utf-8') return new TextDecoder(encoding).decode(bytes, { stream: !complete });
  const parts: Buffer[] = [];
  const whole = async function* (): AsyncGenerator<Buffer> {
    yield bytes;
  };
  for await (const part of decoded('', whole(), encoding, false)) parts.push(part);
  return Buffer.concat(parts).toString('utf8');
}

/** Returns the names of the columns. The header may lack the last one when the last value of each record is empty. */
function checkedNames(
  name: string,
  reader: RecordReader,
  { dialect, width }: TextTable,
  lastEmpty: boolean
): string[] {
  if (!dialect.header) return Array.from({ length: width }, (_, position) => `column_${position + 1}`);
  const { headerRecord } = reader;
  if (headerRecord === undefined)
    throw new SourceFailure(
      `${name} has no header line.`,
      'Provision a file with a header line and at least one row.'
    );
  const names = fieldsOf(headerRecord.bytes, dialect).map(({ text }) => text.trim());
  if (names.length === width - 1 && lastEmpty) names.push('');
  if (names.length !== width)
    throw new SourceFailure(
      `${name}, line ${headerRecord.line}: the header has ${names.length} names, but most records have ${width} values.`,
      'Give each column a name in the header, or check the delimiter and the number of lines before the header.'
    );
  return names;
}

/** Gives names to columns without one, and refuses names that occur twice. */
function uniqueNames(
  file: string,
  names: readonly string[],
  ignoredLast: boolean
): { names: string[]; unnamed: number[] } {
  const unnamed: number[] = [];
  const result = names.map((name, position) => {
    if (name !== '') return name;
    if (!(ignoredLast && position === names.length - 1)) unnamed.push(position);
    let given = `column_${position + 1}`;
    while (names.includes(given)) given += '_';
    return given;
  });
  const first = new Map<string, number>();
  result.forEach((name, position) => {
    const before = first.get(name);
    if (before !== undefined)
      throw new SourceFailure(
        `${file}: the column name "${name.slice(0, 60)}" is used twice, for columns ${before + 1} and ${position + 1}.`,
        'Give each column a different name.'
      );
    if (name.length > 128)
      throw new SourceFailure(
        `${file}: the name of column ${position + 1} has ${name.length} characters, and begins with "${name.slice(0, 40)}".`,
        'Shorten it to at most 128 characters, or check the delimiter.'
      );
    first.set(name, position);
  });
  return { names: result, unnamed };
}

interface Scan {
  readonly rows: number;
  readonly sample: Row[];
  readonly lastEmpty: boolean;
  readonly readers: RecordReader[];
  readonly odd: { place: Place; fields: number }[];
  readonly oddCount: number;
}

/** Reads records until the end, or until there is nothing more to find. */
async function drain(records: AsyncGenerator<Buffer>, found: () => boolean = () => false): Promise<void> {
  for (let next = await records.next(); next.done !== true && !found();) next = await records.next();
  await records.return(undefined);
}

/** Reads all records once: counts them, checks their form, and keeps the first ones as a sample. */
async function scan(table: TextTable): Promise<Scan> {
  const sample: Row[] = [];
  const odd: Scan['odd'] = [];
  const readers: RecordReader[] = [];
  const wanted = Math.min(SAMPLE_ROWS, Math.max(100, Math.floor(SAMPLE_CELLS / table.width)));
  let oddCount = 0;
  let lastEmpty = true;
  const delimiter = table.dialect.delimiter.charCodeAt(0);
  const records = normalisedRecords(
    table,
    file => ({
      record({ bytes }) {
        lastEmpty &&= bytes.at(-1) === delimiter;
        if (sample.length >= wanted) return;
        sample.push(
          fieldsOf(bytes, table.dialect).map(({ text, quoted }) => (text === '' && !quoted ? null : text))
        );
      },
      odd({ line, fields }) {
        oddCount++;
        if (odd.length < 10) odd.push({ place: { file, line }, fields });
      }
    }),
    (_, reader) => readers.push(reader)
  );
  await drain(records);
  const rows = readers.reduce((sum, reader) => sum + reader.records, 0);
  return { rows, sample, lastEmpty, readers, odd, oddCount };
}

function requireSameHeader(
  files: readonly TextFile[],
  readers: readonly RecordReader[],
  dialect: Dialect
): void {
  const headers = readers.map(({ headerRecord }) => headerRecord?.bytes.toString('utf8'));
  const different = headers.findIndex(header => header !== headers[0]);
  if (!dialect.header || different === -1) return;
  throw new SourceFailure(
    `${files[different]?.name ?? ''} has another header than ${files[0]?.name ?? ''}.`,
    'Provision files with the same columns in the same order as one table.'
  );
}

/**
 * Reads the text files of a job from the first to the last record.
 * @throws SourceFailure that names file and line
 */
export async function scanText(job: InspectJob): Promise<ScannedText> {
  const [first, ...others] = textFiles(job.files);
  if (first === undefined) throw new SourceFailure('No file was given.', 'Name a file.');
  const { bytes, complete } = await beginningOf(first);
  const read = async (encoding: Encoding): Promise<ScannedText> => {
    const text = await textOf(bytes, encoding, complete);
    if (text.trim() === '') throw new SourceFailure(`${first.name} is empty.`, 'Provision a file with rows.');
    const oldMacLines = hasOldMacLines(text);
    const lines = oldMacLines ? text.replaceAll('\r', '\n') : text;
    const sniffed = sniffDialect(lines, encoding, complete, job.dialect);
    const files = [first, ...others].map(file => ({ ...file, oldMacLines }));
    return scanAs(files, sniffed);
  };
  const encoding = job.dialect.encoding ?? encodingOf(bytes);
  try {
    return await read(encoding);
  } catch (error) {
    if (!(error instanceof NotUtf8)) throw error;
    if (job.dialect.encoding !== undefined)
      throw new SourceFailure(error.message, 'Name the encoding of the file, such as windows-1252.');
    // A file without a sign of its encoding that is not UTF-8 is nearly always Windows-1252 or its subset Latin-1.
    const scanned = await read('windows-1252');
    return { ...scanned, facts: { ...scanned.facts, asked: [...scanned.facts.asked, 'encoding'] } };
  }
}

async function scanAs(files: readonly TextFile[], sniffed: SniffedDialect): Promise<ScannedText> {
  const { dialect, width } = sniffed;
  if (width > MAX_WIDTH)
    throw new SourceFailure(
      `${files[0]?.name ?? ''} has ${width} columns. A table can have at most 10,000.`,
      'Split it into several tables.'
    );
  const table: TextTable = { files, dialect, width };
  const found = await scan(table);
  const [reader] = found.readers;
  const name = files[0]?.name ?? '';
  if (reader === undefined) throw new SourceFailure(`${name} has no rows.`, 'Provision a file with rows.');
  requireSameHeader(files, found.readers, dialect);
  const written = checkedNames(name, reader, table, found.lastEmpty);
  if (found.rows === 0)
    throw new SourceFailure(
      `${name} has no rows.`,
      'Provision a file with at least one row after the header.'
    );
  const trailingDelimiter = width > 1 && written.at(-1) === '' && found.lastEmpty;
  const { names, unnamed } = uniqueNames(name, written, trailingDelimiter);
  const columns = trailingDelimiter ? names.slice(0, -1) : names;
  if (columns.length > MAX_WIDTH - 1)
    throw new SourceFailure(
      `${name} has ${columns.length} columns. A table can have at most 10,000.`,
      'Split it into several tables.'
    );
  const sum = (of: (reader: RecordReader) => number): number =>
    found.readers.reduce((total, one) => total + of(one), 0);
  return {
    table,
    names: columns,
    rows: found.rows,
    sample: found.sample,
    facts: {
      dialect,
      width,
      packing: files[0]?.packing === 'parquet' ? 'none' : (files[0]?.packing ?? 'none'),
      asked: [...sniffed.asked],
      skipped: [...sniffed.skipped],
      blankLines: sum(one => one.blankLines),
      commentLines: sum(one => one.commentLines),
      oddRecords: found.oddCount,
      firstOddRecords: found.odd,
      carriageReturns: found.readers.some(one => one.carriageReturns),
      oldMacLines: files.some(one => one.oldMacLines),
      trailingDelimiter,
      unnamed
    }
  };
}

/** Finds the lines of records by their numbers, from 1, in a pass of its own. */
export async function linesOf(table: TextTable, numbers: ReadonlySet<number>): Promise<Map<number, Place>> {
  const places = new Map<number, Place>();
  if (numbers.size === 0) return places;
  let number = 0;
  const records = normalisedRecords(table, file => ({
    record({ line }) {
      number++;
      if (numbers.has(number)) places.set(number, { file, line });
    },
    odd: () => undefined
  }));
  await drain(records, () => places.size === numbers.size);
  return places;
}
