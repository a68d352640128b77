/** A value as it is read from a file. An empty CSV field and a Parquet null are `null`. */
export type Cell = string | number | bigint | boolean | Date | null;

/** Some rows of a table, column by column in the table's order. */
export interface Batch {
  readonly rows: number;
  readonly columns: readonly (readonly Cell[])[];
}

/** A value of one column type: `null` for a missing value, dates and timestamps as `Date`. */
export type TypedValue = bigint | number | boolean | string | Date | null;

/** Rows in which every value has the declared type of its column. */
export interface TypedBatch {
  readonly rows: number;
  readonly columns: readonly (readonly TypedValue[])[];
}

/** A table that may be too large for memory. It can be read in batches, any number of times. */
export interface Table {
  readonly columns: readonly string[];
  batches(): AsyncIterable<Batch>;
}

/** The number of rows in a batch. The last batch of a table may have fewer. */
export const BATCH_ROWS = 10_000;
