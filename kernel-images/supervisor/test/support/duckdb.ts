import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import type { Dataset, RowBatch } from '../../src/filter/rows/dataset.js';
import { openParquetDataset } from '../../src/filter/rows/parquet.js';

/** A table that DuckDB wrote as Parquet, with its values as DuckDB writes them as text. */
export interface WrittenTable {
  readonly dataset: Dataset;
  readonly rows: readonly (readonly string[])[];
}

/** Writes the result of a query to a Parquet file, as providers do, and opens it as the filter does. */
export async function writeTable(query: string, identifiers: readonly string[] = []): Promise<WrittenTable> {
  const folder = await mkdtemp(path.join(tmpdir(), 'filter-'));
  const file = path.join(folder, 'data.parquet');
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' });
  const connection = await instance.connect();
  try {
    await connection.run(`SET TimeZone = 'UTC'; CREATE TABLE t AS ${query}`);
    await connection.run(
      `COPY t TO '${file}' (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 122880, PARQUET_VERSION v1)`
    );
    const texts = await connection.runAndReadAll('SELECT CAST(COLUMNS(*) AS VARCHAR) FROM t');
    const dataset = await openParquetDataset('hospital/visits', file, new Set(identifiers));
    const batches: RowBatch[] = [];
    for await (const batch of dataset.batches()) batches.push(batch);
    return {
      dataset: {
        ...dataset,
        async *batches() {
          yield* batches;
        }
      },
      rows: texts.getRows().map(row => row.map(String))
    };
  } finally {
    connection.closeSync();
    instance.closeSync();
    await rm(folder, { recursive: true });
  }
}
