import type { RowBatch } from './dataset.js';
import type { Survey } from './survey.js';

const NONE: readonly number[] = [];

/** The keys that one row's values match, column by column. */
export interface RowKeys {
  /** Counts up through the whole dataset. */
  readonly row: number;
  readonly keys: readonly (readonly number[])[];
  /** Columns without a value. */
  readonly empty: number;
  /** By key: the last row that any column of matched it. */
  readonly seen: Int32Array;
}

/**
 * Goes through a batch row by row; `visit` must not keep what it is given.
 * @param seen one number for each key, -1 before the first batch
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
