/** A value as it is read: what a file has no words for (an empty CSV field, a Parquet null) is `null`. */
export type Cell = string | number | bigint | boolean | Date | null;

/** Some rows, column by column in the table's order. */
export interface Batch {
  readonly rows: number;
  readonly columns: readonly (readonly Cell[])[];
}

/** A table that is too large for memory: read in batches, any number of times. */
export interface Table {
  readonly columns: readonly string[];
  batches(): AsyncIterable<Batch>;
}

export const BATCH_ROWS = 10_000;
