import { classify, withScale, type Alternative, type Sample } from '../../schema/classify.js';
import { formatOf, type TextFormat } from '../../schema/formats.js';
import { MISSING_WORDS } from '../../schema/patterns.js';
import type { Reader } from '../../schema/reader.js';
import type { Conventions } from '../../source/dialect.js';
import type { ColumnFacts } from '../messages.js';
import {
  COLLECTED,
  COLUMNS_PER_QUERY,
  differentQuery,
  misfitQuery,
  newValuesQuery,
  PROFILE_FIELDS,
  profileQuery,
  type ProfiledColumn
} from '../sql/profile.js';

/** Runs a query on the table. `source` is the table's name in SQL. */
export type TableQuery = (sql: (source: string) => string) => Promise<unknown[]>;

/** A column before it is profiled. */
export interface StartColumn {
  readonly position: number;
  readonly name: string;
  readonly sample: Sample;
  /** The reader of a Parquet column, or the one that the provider has chosen. It is not changed. */
  readonly fixed?: Reader;
}

/** A number of the table's row, to be replaced by its place. */
export interface RowMisfit {
  readonly row: number;
  readonly text: string;
}

/** Facts about a column whose misfits are known by row numbers only. */
export interface ProfiledFacts extends Omit<ColumnFacts, 'firstMisfits' | 'refused' | 'lossy'> {
  readonly rowMisfits: readonly RowMisfit[];
}

const MAX_ROUNDS = 5;
const MAX_BINS = 200;
const MAX_BIN_LENGTH = 200;
/** Number columns of at most this many values can be categories. */
const MAX_NUMBER_BINS = 50;
const DISTINCT_ROWS = 200_000;
const NEARLY_UNIQUE = 0.7;
const MISSING = new Set(MISSING_WORDS);

interface State {
  readonly start: StartColumn;
  sample: Map<string, number>;
  reader: Reader;
  alternatives: readonly Alternative[];
  bins: readonly string[];
  /** Whether the bins hold all values that are known. */
  binned: boolean;
  text: TextFormat;
  tried: Set<string>;
  facts: ProfiledFacts | undefined;
}

function chunks<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, index) =>
    items.slice(index * size, (index + 1) * size)
  );
}

/** Counts by text are counts of values only where a value has one spelling. */
function usesBins({ type, thousands, zeros, blanks }: Reader): boolean {
  return (
    type === 'text' || (type === 'integer' && thousands === undefined && zeros !== true && blanks !== true)
  );
}

function prepare(state: State): void {
  const { reader, sample } = state;
  const values = [...sample.keys()];
  const limit = reader.type === 'text' ? MAX_BINS : MAX_NUMBER_BINS;
  state.binned =
    usesBins(reader) &&
    values.length <= limit &&
    values.every(value => value.length <= MAX_BIN_LENGTH && value !== '');
  const words = reader.type === 'text' ? MISSING_WORDS : [];
  state.bins = state.binned ? [...new Set([...values, ...words])] : words;
  state.text = reader.type === 'text' ? formatOf(sample) : {};
}

function began(start: StartColumn, conventions: Conventions, commaSeparated: boolean): State {
  const found =
    start.fixed === undefined
      ? classify(start.sample, conventions, commaSeparated)
      : {
          reader: start.fixed.native === true ? start.fixed : withScale(start.fixed, start.sample),
          alternatives: []
        };
  const state: State = {
    start,
    sample: new Map(start.sample),
    ...found,
    bins: [],
    binned: false,
    text: {},
    tried: new Set([JSON.stringify(found.reader)]),
    facts: undefined
  };
  prepare(state);
  return state;
}

function profiled({ start, reader, bins, text }: State): ProfiledColumn {
  return { position: start.position, reader, bins, format: text.format };
}

function asText(value: unknown): string | undefined {
  return typeof value === 'string' ? value.slice(0, 200) : undefined;
}

function counted(value: unknown): Map<string, number> {
  const entries = (value ?? []) as { key: string | null; value: string }[];
  return new Map(entries.map(({ key, value: count }) => [key ?? '', Number(count)]));
}

/** The number of digits after the decimal mark in a sample. */
function decimalsOf(sample: Sample, { type, decimal }: Reader): number {
  if (type !== 'number') return 0;
  let digits = 0;
  for (const value of sample.keys()) {
    if (/[eE]/.test(value)) return 15;
    const at = value.lastIndexOf(decimal ?? '.');
    if (at !== -1) digits = Math.max(digits, value.trim().length - at - 1);
  }
  return Math.min(15, digits);
}

/** Reads the aggregates of one column. */
function read(state: State, rows: number, fields: readonly unknown[]): void {
  const { start, reader, alternatives, sample, text } = state;
  const [filled, values, least, greatest, sentinels, histogram, formatted] = fields;
  const counts = counted(histogram);
  const others = counts.get('') ?? 0;
  const complete = state.binned && others === 0;
  const present = [...counts].filter(([value, count]) => value !== '' && count > 0);
  const words = present.filter(([value]) => MISSING.has(value));
  const minimum = asText(least);
  const maximum = asText(greatest);
  const { kind, format } = text;
  state.facts = {
    position: start.position,
    name: start.name,
    reader,
    alternatives: [...alternatives],
    filled: Number(filled),
    values: Number(values),
    ...(minimum === undefined ? {} : { minimum }),
    ...(maximum === undefined ? {} : { maximum }),
    missing: reader.type === 'text' ? words.map(([word, count]) => ({ text: word, count })) : [],
    misfits: Number(filled) - Number(values),
    rowMisfits: [],
    sentinels: Number(sentinels),
    ...(complete ? { bins: present.map(([value, count]) => ({ text: value, count })) } : {}),
    different: { values: 0, different: 0 },
    decimals: decimalsOf(sample, reader),
    ...(kind === undefined ? {} : { kind }),
    ...(format !== undefined && Number(formatted) === Number(filled) && rows > 0 ? { format } : {})
  };
}

/** Counts what fits the columns. Returns the number of rows. */
async function count(query: TableQuery, states: readonly State[]): Promise<number> {
  let rows = 0;
  for (const chunk of chunks(states, COLUMNS_PER_QUERY)) {
    const [total, ...fields] = await query(source => profileQuery(source, chunk.map(profiled)));
    rows = Number(total);
    chunk.forEach((state, index) =>
      read(state, rows, fields.slice(index * PROFILE_FIELDS, (index + 1) * PROFILE_FIELDS))
    );
  }
  return rows;
}

/** Looks at cells that do not fit. Returns the columns that must be read in another way. */
async function lookAtMisfits(
  query: TableQuery,
  states: readonly State[],
  conventions: Conventions,
  commaSeparated: boolean
): Promise<State[]> {
  const due: State[] = [];
  for (const chunk of chunks(states, COLUMNS_PER_QUERY / 2)) {
    const fields = await query(source => misfitQuery(source, chunk.map(profiled)));
    for (const [index, state] of chunk.entries()) {
      const [histogram, numbers, texts] = fields.slice(index * 3, index * 3 + 3) as [
        unknown,
        unknown,
        unknown
      ];
      const words = [...counted(histogram)].filter(([word, count]) => word !== '' && count > 0);
      const others = ((texts ?? []) as string[]).map((text, at) => ({
        row: Number(((numbers ?? []) as string[])[at]),
        text: text.slice(0, 200)
      }));
      const { facts } = state;
      if (facts === undefined) continue;
      const misfits = facts.misfits - words.reduce((sum, [, count]) => sum + count, 0);
      state.facts = {
        ...facts,
        missing: words.map(([text, count]) => ({ text, count })),
        misfits,
        rowMisfits: others.slice(0, 10)
      };
      if (
        state.start.fixed === undefined &&
        misfits > 0 &&
        reclassified(state, others, misfits, conventions, commaSeparated)
      )
        due.push(state);
    }
  }
  return due;
}

/** Decides with the misfits whether a column is read in another way, which was not tried before. */
function reclassified(
  state: State,
  others: readonly RowMisfit[],
  misfits: number,
  conventions: Conventions,
  commaSeparated: boolean
): boolean {
  const values = state.facts?.values ?? 0;
  const sampled = [...state.sample.values()].reduce((sum, count) => sum + count, 0);
  // The sample and the misfits get the weights that they have in the whole table.
  const weighted = new Map<string, number>();
  for (const [text, count] of state.sample)
    weighted.set(text, (count * Math.max(1, values)) / Math.max(1, sampled));
  for (const { text } of others) weighted.set(text, (weighted.get(text) ?? 0) + misfits / others.length);
  const found = classify(weighted, conventions, commaSeparated);
  const key = JSON.stringify(found.reader);
  if (state.tried.has(key)) return false;
  state.tried.add(key);
  for (const { text } of others)
    if (state.sample.size < 3000) state.sample.set(text, (state.sample.get(text) ?? 0) + 1);
  state.reader = found.reader;
  state.alternatives = found.alternatives;
  prepare(state);
  return true;
}

/** Adds values that the sample did not have to the bins. Returns the columns that must be counted again. */
async function completeBins(query: TableQuery, states: readonly State[]): Promise<State[]> {
  const due: State[] = [];
  for (const chunk of chunks(states, COLUMNS_PER_QUERY / 2)) {
    const fields = await query(source => newValuesQuery(source, chunk.map(profiled)));
    for (const [index, state] of chunk.entries()) {
      const found = new Set((fields[index] ?? []) as string[]);
      const bins = [...new Set([...state.bins, ...found])];
      const limit = state.reader.type === 'text' ? MAX_BINS : MAX_NUMBER_BINS;
      if (
        bins.length - MISSING_WORDS.length > limit ||
        [...found].some(text => text.length > MAX_BIN_LENGTH || text === '')
      )
        state.binned = false;
      else {
        state.bins = bins;
        due.push(state);
      }
    }
  }
  return due;
}

/** Counts different values among the first rows, for columns that are nearly unique in the sample. */
async function countDifferent(query: TableQuery, states: readonly State[], rows: number): Promise<void> {
  const candidates = states.filter(({ sample, reader }) => {
    const seen = [...sample.values()].reduce((sum, count) => sum + count, 0);
    return (
      ['text', 'integer', 'uuid', 'decimal'].includes(reader.type) && sample.size >= seen * NEARLY_UNIQUE
    );
  });
  const size = Math.max(8, Math.min(100, Math.floor(2_000_000 / Math.min(rows, DISTINCT_ROWS))));
  for (const chunk of chunks(candidates, size)) {
    const positions = chunk.map(({ start }) => start.position);
    const fields = await query(source => differentQuery(source, positions, DISTINCT_ROWS));
    chunk.forEach((state, index) => {
      if (state.facts === undefined) return;
      state.facts = {
        ...state.facts,
        different: { values: Number(fields[index * 2]), different: Number(fields[index * 2 + 1]) }
      };
    });
  }
}

/**
 * Profiles all columns over every row: a column keeps a type only if all values fit it or the exceptions are known.
 * @returns the facts in the order of `columns`, and the number of rows
 */
export async function profileColumns(
  query: TableQuery,
  columns: readonly StartColumn[],
  conventions: Conventions,
  commaSeparated: boolean
): Promise<{ facts: ProfiledFacts[]; rows: number }> {
  const states = columns.map(column => began(column, conventions, commaSeparated));
  let rows = 0;
  let due: readonly State[] = states;
  for (let round = 0; due.length > 0 && round < MAX_ROUNDS; round++) {
    rows = await count(query, due);
    const misfits = due.filter(({ facts }) => (facts?.misfits ?? 0) > 0);
    due = await lookAtMisfits(query, misfits, conventions, commaSeparated);
  }
  due = states.filter(({ binned, facts }) => binned && facts?.bins === undefined);
  for (let round = 0; due.length > 0 && round < MAX_BINS / COLLECTED + 2; round++) {
    const again = await completeBins(query, due);
    const found = again.map(({ facts }) => facts);
    if (again.length > 0) await count(query, again);
    // Counting again does not look at misfits again.
    again.forEach((state, index) => {
      const before = found[index];
      if (before === undefined || state.facts === undefined || state.reader.type === 'text') return;
      const { missing, misfits, rowMisfits } = before;
      state.facts = { ...state.facts, missing, misfits, rowMisfits };
    });
    due = again.filter(({ binned, facts }) => binned && facts?.bins === undefined);
  }
  await countDifferent(query, states, rows);
  return { facts: states.flatMap(({ facts }) => facts ?? []), rows };
}
