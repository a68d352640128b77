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

/** A column of a dataset. */
export interface DatasetColumn {
  readonly name: string;
  /** Whether a single value can identify a person. */
  readonly identifier: boolean;
}
