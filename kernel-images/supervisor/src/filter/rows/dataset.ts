/** Some consecutive rows, column by column. */
export interface RowBatch {
  readonly rows: number;
  /** In the order of the dataset's columns. */
  readonly columns: readonly ArrayLike<unknown>[];
}

/** A dataset that a run was given. */
export interface Dataset {
  /** `party/dataset`. */
  readonly name: string;
  readonly columns: readonly DatasetColumn[];
  readonly rows: number;
  /** All rows in order, with memory for one batch. Can be asked for again. */
  batches(): AsyncIterable<RowBatch>;
}

export interface DatasetColumn {
  readonly name: string;
  /** Names a person, or could. */
  readonly identifier: boolean;
}
