import { MISSING_WORDS } from '../../schema/patterns.js';
import type { Reader } from '../../schema/reader.js';
import { isFilled, valueOf } from './guards.js';
import { cell } from './read.js';
import { literal } from './text.js';

/** The number of columns of one query. More need too much memory, which DuckDB's own limit does not bound. */
export const COLUMNS_PER_QUERY = 100;
/** Numbers above this are not measurements, but a mark of something else. */
export const SENTINEL = '1e300';
/** The first cells without a value that are collected of each column. */
export const COLLECTED = 200;

/** A column that is profiled: its position in the file, and how it is read. */
export interface ProfiledColumn {
  readonly position: number;
  readonly reader: Reader;
  /** Values whose rows are counted. */
  readonly bins: readonly string[];
  readonly format: string | undefined;
}

const list = (texts: readonly string[]): string => `[${texts.map(literal).join(', ')}]`;
const cells = (columns: readonly ProfiledColumn[]): string =>
  columns
    .map(({ position, reader }) => `${cell(position)}, ${valueOf(cell(position), reader)} AS v${position}`)
    .join(', ');

/** Returns the aggregates of one column, each with its meaning in {@link PROFILE_FIELDS}. */
function aggregates({ position, reader, bins, format }: ProfiledColumn): string[] {
  const c = cell(position);
  const v = `v${position}`;
  const mayBeLarge = reader.type === 'number' && (reader.long === true || reader.native === true);
  const finite = mayBeLarge ? ` FILTER (isfinite(${v}) AND abs(${v}) < ${SENTINEL})` : '';
  const ordered = reader.type !== 'text' && reader.type !== 'uuid' && reader.type !== 'boolean';
  const text = reader.native === true && reader.type !== 'text' ? `${c}::VARCHAR` : c;
  return [
    `count(*) FILTER (${isFilled(c, reader)})`,
    `count(${v})`,
    ordered ? `min(${v})${finite}::VARCHAR` : 'NULL',
    ordered ? `max(${v})${finite}::VARCHAR` : 'NULL',
    mayBeLarge ? `count(*) FILTER (isfinite(${v}) AND abs(${v}) >= ${SENTINEL})` : '0',
    bins.length > 0 ? `histogram_exact(${text}, ${list(bins)})` : 'NULL',
    format === undefined ? '0' : `count(*) FILTER (regexp_full_match(${c}, ${literal(format)}))`
  ];
}

/** The number of aggregates of each column in the row that {@link profileQuery} gives. */
export const PROFILE_FIELDS = 7;

/** Returns the query that counts what fits each column, over every row. It gives one row. */
export function profileQuery(source: string, columns: readonly ProfiledColumn[]): string {
  return `SELECT count(*), ${columns.flatMap(aggregates).join(', ')} FROM (SELECT ${cells(columns)} FROM ${source})`;
}

/**
 * Returns the query about cells without a value: for each column the counts of spellings of "no value", and the numbers and
 * texts of the first other rows.
 */
export function misfitQuery(source: string, columns: readonly ProfiledColumn[]): string {
  const found = columns.flatMap(({ position, reader }) => {
    const c = cell(position);
    const misfit = `${isFilled(c, reader)} AND v${position} IS NULL`;
    const text = `left(${c}::VARCHAR, 200)`;
    const other = `${misfit} AND NOT list_contains(${list(MISSING_WORDS)}, ${text})`;
    return [
      `histogram_exact(${text}, ${list(MISSING_WORDS)}) FILTER (${misfit})`,
      `arg_min(rn, rn, ${COLLECTED}) FILTER (${other})`,
      `arg_min(${text}, rn, ${COLLECTED}) FILTER (${other})`
    ];
  });
  return `SELECT ${found.join(', ')} FROM (SELECT row_number() OVER () AS rn, ${cells(columns)} FROM ${source})`;
}

/** Returns the query that collects the first values that are not among the counted ones. */
export function newValuesQuery(source: string, columns: readonly ProfiledColumn[]): string {
  const found = columns.map(({ position, bins }) => {
    const text = `${cell(position)}::VARCHAR`;
    return `arg_min(left(${text}, 201), rn, ${COLLECTED}) FILTER (${text} IS NOT NULL AND NOT list_contains(${list(bins)}, ${text}))`;
  });
  return `SELECT ${found.join(', ')} FROM (SELECT row_number() OVER () AS rn, ${columns.map(({ position }) => cell(position)).join(', ')} FROM ${source})`;
}

/** Returns the query that counts different values among the first rows. Hashes need less memory than texts. */
export function differentQuery(source: string, positions: readonly number[], rows: number): string {
  const counts = positions.flatMap(position => [
    `count(${cell(position)})`,
    `count(DISTINCT hash(${cell(position)})) FILTER (${cell(position)} IS NOT NULL)`
  ]);
  return `SELECT ${counts.join(', ')} FROM (SELECT ${positions.map(cell).join(', ')} FROM ${source} LIMIT ${rows})`;
}
