/** Consecutive rows of a dataset, stored by column. */
export interface RowBatch {
  readonly rows: number;
  /** The values of each column, in the order of the dataset's columns. */
  readonly columns: readonly ArrayLike<unknown>[];
}

/** A dataset that was opened for a run. */
export interface Dataset {
  /** Name of the asset: `party/dataset`. */
  readonly name: string;
  readonly columns: readonly DatasetColumn[];
  readonly rows: number;
  /** Yields all rows in order and keeps one batch in memory. Can be called repeatedly. */
  batches(): AsyncIterable<RowBatch>;
}

/**
 * The meaning of a column's values in a {@link RowBatch}.
 *
 * - `plain`: numbers, integers, booleans and text are themselves.
 * - `decimal`: integers in units of 10^-`scale`.
 * - `day`: days since 1970.
 * - `time`: nanoseconds since midnight.
 * - `moment`: nanoseconds since 1970, as bigints.
 */
export type ValueForm =
  | { readonly kind: 'plain' | 'day' | 'time' | 'moment' }
  | { readonly kind: 'decimal'; readonly scale: number };

/** A column of a dataset. */
export interface DatasetColumn {
  readonly name: string;
  /** Whether a single value can identify a person. */
  readonly identifier: boolean;
  readonly form: ValueForm;
}
