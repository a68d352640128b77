import { stat } from 'node:fs/promises';
import path from 'node:path';
import type { TableSchema } from '@clean-room/protocol/assets';
import { CleanRoomError } from '@clean-room/protocol/errors';
import type { InspectFacts, InspectJob } from './engine/messages.js';
import { DATABASE_MEMORY, DEFAULT_LIMITS, startJob, type JobLimits } from './engine/run.js';
import { proposeColumn } from './schema/propose.js';
import { alternativeId, questionsOf, type Question } from './schema/questions.js';
import type { Reader, Reading } from './schema/reader.js';
import type { Conventions, Dialect } from './source/dialect.js';

/** Decisions of the provider, by the name of the question. */
export type Answers = Readonly<Record<string, string>>;

/** Decisions of the provider before a table is inspected. */
export interface Overrides {
  readonly dialect?: Partial<Dialect>;
  readonly conventions?: Conventions;
  /** How columns are read, by name. */
  readonly readers?: Readonly<Record<string, Reader>>;
  readonly answers?: Answers;
  readonly limits?: JobLimits;
}

/** The content of a table, and what would be made of it. Apart from `schema`, it is data of the provider. */
export interface Inspection {
  readonly files: readonly string[];
  readonly format: 'csv' | 'parquet';
  readonly rows: number;
  /** Only for text. */
  readonly dialect?: Dialect;
  /** Decisions that were made without a question, because they lose nothing. */
  readonly notes: readonly string[];
  readonly preview: { readonly columns: readonly string[]; readonly rows: InspectFacts['preview'] };
  readonly schema: TableSchema;
  /** How each column of the schema is read. */
  readonly readings: readonly Reading[];
  /** The number of columns of the files, and whether records of another form are left out. */
  readonly layout: {
    readonly width: number;
    readonly names: readonly string[];
    readonly leaveOut: boolean;
    readonly oldMacLines: boolean;
  };
  /** Questions without an answer. A table is only published when there are none. */
  readonly questions: readonly Question[];
  readonly suggestions: readonly { readonly column: string; readonly text: string }[];
  /** The largest memory of the process that read the files, in bytes. */
  readonly peakBytes: number;
}

const MAX_REREADS = 4;

/** Returns the size of a file. */
export async function sizeOf(file: string): Promise<number> {
  const found = await stat(file).catch((cause: unknown) => {
    throw new CleanRoomError('not-found', `The file ${file} does not exist or cannot be read.`, {
      remedy: 'Check its name.',
      cause
    });
  });
  if (found.isFile()) return found.size;
  throw new CleanRoomError('malformed', `${file} is not a file.`, { remedy: 'Name a CSV or Parquet file.' });
}

async function readFacts(
  files: readonly string[],
  job: Pick<InspectJob, 'dialect' | 'conventions' | 'readers'>,
  limits: JobLimits
): Promise<{ facts: InspectFacts; peakBytes: number }> {
  const inputs = await Promise.all(
    files.map(async file => ({ name: path.basename(file), size: await sizeOf(file) }))
  );
  const running = await startJob(
    { job: 'inspect', files: inputs, ...job, memory: DATABASE_MEMORY },
    files,
    limits
  );
  running.output.resume();
  running.input.end();
  const message = await running.message;
  if (message.type === 'inspected') return { facts: message.facts, peakBytes: running.peakBytes() };
  if (message.type === 'failed')
    throw new CleanRoomError('malformed', message.message, { remedy: message.remedy });
  throw new CleanRoomError('internal', 'The reader of tables gave an unexpected answer.');
}

/** Returns the dialect that answers decide. */
function dialectOf(answers: Answers): Partial<Dialect> {
  return {
    ...(answers['header'] === 'names' ? { header: true } : {}),
    ...(answers['header'] === 'values' ? { header: false } : {}),
    ...(answers['delimiter'] === 'none' ? { delimiter: ',' as const } : {}),
    ...(answers['delimiter'] === 'blank' ? { delimiter: ' ' as const } : {})
  };
}

/** Returns the readers that answers decide and that the facts do not have yet. */
function readersOf(facts: InspectFacts, answers: Answers): Record<string, Reader> {
  const readers: Record<string, Reader> = {};
  for (const { name, alternatives, reader, missing, misfits } of facts.columns) {
    const reading = answers[`reading:${name}`];
    const chosen = alternatives.find(alternative => alternativeId(alternative) === reading);
    if (chosen !== undefined) readers[name] = chosen.reader;
    const asText =
      (missing.length > 0 && answers[`missing:${name}`] === 'text') ||
      (misfits > 0 && answers[`misfit:${name}`] === 'text');
    if (asText && reader.type !== 'text') readers[name] = { type: 'text' };
  }
  return readers;
}

function throwStopped(question: Question): never {
  const [first] = question.examples;
  const place = first === undefined ? '' : ` The first: ${first.file}, line ${first.line}.`;
  throw new CleanRoomError('malformed', `${question.text}${place}`, {
    remedy: 'Correct the file, or answer the question in another way. Nothing was published.'
  });
}

function readingOf(column: InspectFacts['columns'][number], answers: Answers): Reading {
  const { name, position, reader, missing, misfits } = column;
  const words = answers[`missing:${name}`];
  const others = answers[`misfit:${name}`];
  const leaveOut = (words === 'leave-out' && missing.length > 0) || others === 'leave-out';
  return {
    position,
    reader,
    missing: words === 'missing' ? missing.map(({ text }) => text) : [],
    otherwise: leaveOut ? 'leave-out' : others === 'missing' && misfits > 0 ? 'missing' : 'stop',
    sentinels: answers[`sentinel:${name}`] === 'missing'
  };
}

const PACKINGS = { none: '', gzip: 'compressed with gzip', zstd: 'compressed with zstd' } as const;

function notesOf({ text, columns }: InspectFacts): string[] {
  if (text === undefined) return [];
  const unnamed = text.unnamed.map(position => `column ${position + 1}`).join(', ');
  return [
    text.dialect.encoding === 'utf-8' ? '' : `encoding ${text.dialect.encoding}`,
    PACKINGS[text.packing],
    text.skipped.length > 0 ? `skipped before the table: ${text.skipped.join(' / ').slice(0, 300)}` : '',
    text.commentLines > 0 ? `${text.commentLines} lines of comments were skipped` : '',
    text.blankLines > 0 ? `${text.blankLines} blank lines were skipped` : '',
    text.trailingDelimiter ? 'each record ends in a delimiter, which is not a column' : '',
    unnamed === '' ? '' : `without a name: ${unnamed}`,
    ...columns
      .filter(({ reader }) => reader.blanks === true)
      .map(({ name }) => `${name}: blanks around the values are ignored`)
  ].filter(note => note !== '');
}

/** Applies the answers to the facts: what becomes of each column, and which questions are left. */
function concluded(
  files: readonly string[],
  { facts, peakBytes }: { facts: InspectFacts; peakBytes: number },
  answers: Answers
): Inspection {
  const names = files.map(file => path.basename(file));
  const all = questionsOf(facts, names);
  const stopped = all.find(({ id }) => answers[id] === 'stop');
  if (stopped !== undefined) throwStopped(stopped);
  const kept = facts.columns.filter(
    ({ name, refused }) => refused === undefined || answers[`column:${name}`] !== 'leave-out'
  );
  const readable = kept.filter(({ refused }) => refused === undefined);
  if (readable.length === 0)
    throw new CleanRoomError('malformed', `${names[0] ?? ''} has no column that can be provisioned.`, {
      remedy: 'Save the table with columns of numbers, texts, dates or times.'
    });
  const readings = readable.map(column => readingOf(column, answers));
  const proposals = readable.map((column, index) =>
    proposeColumn(column, readings[index] ?? readingOf(column, answers), facts.rows)
  );
  const { text } = facts;
  return {
    files,
    format: text === undefined ? 'parquet' : 'csv',
    rows: facts.rows,
    ...(text === undefined ? {} : { dialect: text.dialect }),
    notes: notesOf(facts),
    preview: { columns: facts.columns.map(({ name }) => name), rows: facts.preview },
    schema: { columns: proposals.map(({ column }) => column) },
    readings,
    layout: {
      width: text?.width ?? facts.columns.length,
      names: facts.columns.map(({ name }) => name),
      leaveOut: answers['records'] === 'leave-out',
      oldMacLines: text?.oldMacLines ?? false
    },
    questions: all.filter(({ id, choices }) => !choices.some(choice => choice.id === answers[id])),
    suggestions: proposals.flatMap(({ column, suggestions }) =>
      suggestions.map(one => ({ column: column.name, text: one }))
    ),
    peakBytes
  };
}

/**
 * Reads CSV or Parquet files as one table: dialect, types that fit every row, and the questions that only the provider can
 * answer. Nothing leaves this machine, and nothing is written.
 *
 * @param files - absolute paths of files with the same columns
 * @throws CleanRoomError `malformed` with file, line or column; `sandbox-unsafe` without a jail
 *
 * @example
 * ```ts
 * const { schema, questions } = await inspectTable(['/data/visits.csv'], { conventions: { dates: 'dmy' } });
 * ```
 */
export async function inspectTable(files: readonly string[], overrides: Overrides = {}): Promise<Inspection> {
  const { answers = {}, conventions = {}, limits = DEFAULT_LIMITS } = overrides;
  let readers: Readonly<Record<string, Reader>> = overrides.readers ?? {};
  for (let round = 0; ; round++) {
    const read = await readFacts(
      files,
      {
        dialect: { ...dialectOf(answers), ...overrides.dialect },
        conventions,
        readers: Object.entries(readers).map(([name, reader]) => ({ name, reader }))
      },
      limits
    );
    const chosen = readersOf(read.facts, answers);
    const changed = Object.keys(chosen).filter(
      name => JSON.stringify(readers[name]) !== JSON.stringify(chosen[name])
    );
    if (changed.length === 0 || round >= MAX_REREADS) return concluded(files, read, answers);
    readers = { ...readers, ...chosen };
  }
}
