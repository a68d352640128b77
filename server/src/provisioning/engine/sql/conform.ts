import type { Column } from '@clean-room/protocol/assets';
import type { Reading } from '../../schema/reader.js';
import { isEmpty, sqlType, valueOf } from './guards.js';
import { SENTINEL } from './profile.js';
import { cell } from './read.js';
import { identifier, literal } from './text.js';

/** The begin of the message of the error that ends writing at the first cell that does not conform. */
export const NONCONFORMING = 'nonconforming';

/** A column of the schema with its reading. */
export interface ConformedColumn {
  readonly column: Column;
  readonly reading: Reading;
}

/** The condition that a cell has no value by the provider's word: it is empty, or one of the missing words. */
function isMissing({ position, reader, missing }: Reading): string {
  const c = cell(position);
  const words =
    missing.length === 0 ? '' : ` OR coalesce(${c}::VARCHAR IN (${missing.map(literal).join(', ')}), false)`;
  return `(${isEmpty(c, reader)})${words}`;
}

/** The value of a cell, without sentinels and missing words. */
function declaredValue(reading: Reading): string {
  const value = valueOf(cell(reading.position), reading.reader);
  const kept = reading.sentinels
    ? `CASE WHEN abs(${value}) < ${SENTINEL} OR NOT isfinite(${value}) THEN ${value} END`
    : value;
  return reading.missing.length === 0 ? kept : `CASE WHEN NOT (${isMissing(reading)}) THEN ${kept} END`;
}

function bound({ type }: Column, text: string, reading: Reading): string {
  return type === 'number' || type === 'integer' || type === 'decimal'
    ? text
    : `${literal(text)}::${sqlType(reading.reader)}`;
}

/** Returns the faults that a cell can have, each with its condition. `v` is the value. */
export function faultConditions(
  { column, reading }: ConformedColumn,
  v: string
): { fault: 'type' | 'null' | 'bounds' | 'category'; condition: string }[] {
  const { categories, minimum, maximum, nullable } = column;
  const value = valueOf(cell(reading.position), reading.reader);
  const misfit = `(NOT (${isMissing(reading)}) AND ${reading.sentinels ? `(${value})` : v} IS NULL)`;
  // Infinity is not a measurement that bounds could tell something about.
  const finite = column.type === 'number' ? `isfinite(${v}) AND ` : '';
  const limits = [
    minimum === undefined ? '' : `${v} < ${bound(column, minimum, reading)}`,
    maximum === undefined ? '' : `${v} > ${bound(column, maximum, reading)}`
  ].filter(limit => limit !== '');
  return [
    ...(reading.otherwise === 'stop' ? [{ fault: 'type' as const, condition: misfit }] : []),
    // A cell that is not a value is told as such, and not as a missing one.
    ...(nullable
      ? []
      : [
          {
            fault: 'null' as const,
            condition: reading.otherwise === 'stop' ? `(${v} IS NULL AND NOT ${misfit})` : `(${v} IS NULL)`
          }
        ]),
    ...(limits.length === 0
      ? []
      : [{ fault: 'bounds' as const, condition: `coalesce(${finite}(${limits.join(' OR ')}), false)` }]),
    ...(categories === undefined
      ? []
      : [
          {
            fault: 'category' as const,
            condition: `(${v} IS NOT NULL AND NOT list_contains([${categories.map(literal).join(', ')}], ${v}::VARCHAR))`
          }
        ])
  ];
}

/** Returns a subquery with the values `v0`, `v1`, … of the schema's columns, without the rows that are left out. */
function values(source: string, columns: readonly ConformedColumn[]): string {
  const left = columns
    .filter(({ reading }) => reading.otherwise === 'leave-out')
    .map(
      ({ reading }) =>
        `NOT (NOT (${isMissing(reading)}) AND ${valueOf(cell(reading.position), reading.reader)} IS NULL)`
    );
  const where = left.length === 0 ? '' : ` WHERE ${left.join(' AND ')}`;
  const selected = columns.flatMap(({ reading }, index) => [`${declaredValue(reading)} AS v${index}`]);
  const cells = [...new Set(columns.map(({ reading }) => cell(reading.position)))];
  return `(SELECT ${[...cells, ...selected].join(', ')} FROM ${source}${where})`;
}

/** Returns how a value is written as text: points in time in ISO 8601 with their zone, everything else as DuckDB writes it. */
function textOf({ column }: ConformedColumn, value: string): string {
  return column.type === 'timestamp' && column.zoned === true
    ? `strftime(${value}, '%Y-%m-%dT%H:%M:%S.%fZ')`
    : value;
}

/** Returns the options of the written file. In text, only texts are quoted, so that an empty text is not a missing value. */
function outputOptions(output: 'parquet' | 'csv', columns: readonly ConformedColumn[]): string {
  if (output === 'parquet')
    return 'FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 122880, PARQUET_VERSION v1';
  const texts = columns.filter(({ column: { type } }) => type === 'text' || type === 'uuid');
  const quoted = texts.map(({ column }) => identifier(column.name)).join(', ');
  return `FORMAT csv, HEADER true${quoted === '' ? '' : `, FORCE_QUOTE (${quoted})`}`;
}

/**
 * Returns the statement that writes the table. It ends with an error that begins with {@link NONCONFORMING} at the
 * first cell that does not conform to the schema.
 */
export function copyStatement(
  source: string,
  columns: readonly ConformedColumn[],
  output: 'parquet' | 'csv',
  path: string
): string {
  const written = (conformed: ConformedColumn, value: string): string =>
    output === 'csv' ? textOf(conformed, value) : value;
  const selected = columns.map((conformed, index) => {
    const v = `v${index}`;
    const faults = faultConditions(conformed, v).map(({ condition }) => condition);
    const name = identifier(conformed.column.name);
    const typed = `${v}::${sqlType(conformed.reading.reader)}`;
    if (faults.length === 0) return `${written(conformed, typed)} AS ${name}`;
    // The text of the error depends on the row, so that DuckDB does not evaluate it before it reads any.
    const stop = `error(concat(${literal(NONCONFORMING)}, ${v} IS NULL))::${sqlType(conformed.reading.reader)}`;
    const checked = `CASE WHEN ${faults.join(' OR ')} THEN ${stop} ELSE ${typed} END`;
    return `${written(conformed, checked)} AS ${name}`;
  });
  return `COPY (SELECT ${selected.join(', ')} FROM ${values(source, columns)}) TO ${literal(path)} (${outputOptions(output, columns)})`;
}

/** Returns the query that counts the faults of some columns, and collects the numbers of the first rows of each. */
export function faultQuery(source: string, columns: readonly ConformedColumn[]): string {
  const numbered = `(SELECT row_number() OVER () AS rn, * FROM ${source})`;
  const found = columns.flatMap((conformed, index) =>
    faultConditions(conformed, `v${index}`).flatMap(({ condition }) => [
      `count(*) FILTER (${condition})`,
      `arg_min(rn, rn, 10) FILTER (${condition})`
    ])
  );
  return `SELECT ${found.join(', ')} FROM ${values(numbered, columns).replace('(SELECT ', '(SELECT rn, ')}`;
}
