import type { RowBatch } from './dataset.js';
import type { Survey } from './survey.js';

/** A combination of values that more rows than this share describes a group, not a row. */
export const GROUP_ROWS = 10;

const NONE: readonly number[] = [];

/** The keys that the values of one row match. */
export interface RowKeys {
  /** Number of the row in the whole dataset, from 0. */
  readonly row: number;
  /** By column: the keys that its value matches. */
  readonly keys: readonly (readonly number[])[];
  /** Number of columns without a value. */
  readonly empty: number;
  /** By key: the last row with a value that matches it. */
  readonly seen: Int32Array;
}

/**
 * Calls `visit` for each row of a batch. The object is reused for the next row, so `visit` must not keep it.
 *
 * @param first - number of the batch's first row in the dataset
 * @param seen - one number for each key, -1 before the first batch
 */
export function scan(
  batch: RowBatch,
  first: number,
  survey: Survey,
  seen: Int32Array,
  visit: (row: RowKeys) => void
): void {
  const keys = survey.columns.map(() => NONE);
  for (let row = 0; row < batch.rows; row++) {
    let empty = 0;
    survey.columns.forEach((column, index) => {
      const value = batch.columns[index]?.[row];
      if (value === null || value === undefined) empty++;
      const matched = column.counts.size === 0 ? NONE : column.match(value);
      keys[index] = matched;
      for (const key of matched) seen[key] = first + row;
    });
    visit({ row: first + row, keys, empty, seen });
  }
}
