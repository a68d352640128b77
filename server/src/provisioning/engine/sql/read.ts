import type { Dialect } from '../../source/dialect.js';
import { literal } from './text.js';

/** Returns the name of a column of the file in SQL. Names of the provider are used only in the written file. */
export const cell = (position: number): string => `c${position}`;

/**
 * Returns the SQL of a table whose records come from a pipe, all as text. DuckDB's own guesses are switched off. The records
 * are normalised before, so the only freedom left is carriage returns inside quoted fields, which its strict mode refuses.
 */
export function readRecords(
  path: string,
  { delimiter, quote }: Dialect,
  width: number,
  carriageReturns: boolean
): string {
  const columns = Array.from({ length: width }, (_, position) => `'${cell(position)}': 'VARCHAR'`);
  return `read_csv(${literal(path)}, auto_detect = false, delim = ${literal(delimiter)}, quote = ${literal(quote)}, escape = ${literal(quote)}, header = false, comment = '', strict_mode = ${String(!carriageReturns)}, null_padding = false, allow_quoted_nulls = false, nullstr = '', encoding = 'utf-8', max_line_size = 8388608, buffer_size = 16777216, columns = {${columns.join(', ')}})`;
}

/** Returns the SQL of a table of Parquet files, with columns named by position. */
export function readParquet(paths: readonly string[], names: readonly string[]): string {
  const columns = names.map((name, position) => `"${name.replaceAll('"', '""')}" AS ${cell(position)}`);
  return `(SELECT ${columns.join(', ')} FROM read_parquet([${paths.map(literal).join(', ')}]))`;
}
