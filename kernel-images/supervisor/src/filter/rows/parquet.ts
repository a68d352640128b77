import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from 'node:zlib';
import {
  asyncBufferFromFile,
  parquetMetadataAsync,
  parquetRead,
  parquetSchema,
  type AsyncBuffer,
  type ColumnData,
  type Compressors,
  type FileMetaData
} from 'hyparquet';
import { CleanRoomError } from '@clean-room/protocol/errors';
import type { Dataset, RowBatch } from './dataset.js';
import { parsers, storageOf, withoutDecimals, type ColumnStorage } from './parquet-values.js';

const compressors: Compressors = {
  GZIP: input => gunzipSync(input),
  ZSTD: input => zstdDecompressSync(input),
  BROTLI: input => brotliDecompressSync(input)
};
const READABLE = new Set(['UNCOMPRESSED', 'SNAPPY', ...Object.keys(compressors)]);

/** Joins the chunks of one column of a row group. */
class ColumnParts {
  #whole: ArrayLike<unknown> | undefined;
  readonly #start: number;
  readonly #rows: number;

  constructor(start: number, rows: number) {
    this.#start = start;
    this.#rows = rows;
  }

  take({ columnData, rowStart, rowEnd }: ColumnData): void {
    if (rowStart === this.#start && rowEnd - rowStart === this.#rows) {
      this.#whole = columnData;
      return;
    }
    const whole = this.#whole;
    const values = Array.isArray(whole) ? (whole as unknown[]) : new Array<unknown>(this.#rows);
    for (let row = Math.max(rowStart, this.#start); row < rowEnd; row++) {
      if (row - this.#start < this.#rows) values[row - this.#start] = columnData[row - rowStart];
    }
    this.#whole = values;
  }

  get values(): ArrayLike<unknown> {
    return this.#whole ?? [];
  }
}

async function readGroup(
  file: AsyncBuffer,
  metadata: FileMetaData,
  columns: readonly ColumnStorage[],
  start: number,
  rows: number
): Promise<RowBatch> {
  const parts = new Map(columns.map(({ name }) => [name, new ColumnParts(start, rows)]));
  await parquetRead({
    file,
    metadata,
    rowStart: start,
    rowEnd: start + rows,
    compressors,
    parsers,
    onChunk: chunk => parts.get(chunk.columnName)?.take(chunk)
  });
  return { rows, columns: columns.map(({ name, read }) => read(parts.get(name)?.values ?? [])) };
}

async function* readGroups(
  path: string,
  metadata: FileMetaData,
  columns: readonly ColumnStorage[]
): AsyncGenerator<RowBatch> {
  const file = await asyncBufferFromFile(path);
  let start = 0;
  for (const group of metadata.row_groups) {
    const rows = Number(group.num_rows);
    yield await readGroup(file, metadata, columns, start, rows);
    start += rows;
  }
}

/**
 * Opens a Parquet file on disk as a dataset that is read one row group at a time.
 *
 * @param identifiers - names of the columns whose values can identify a person
 * @throws CleanRoomError `malformed` when the file is not a Parquet file, or is compressed in a way that the filter cannot
 * read, because it could not recognise the file's rows in outputs
 */
export async function openParquetDataset(
  name: string,
  path: string,
  identifiers: ReadonlySet<string>
): Promise<Dataset> {
  let metadata: FileMetaData;
  try {
    metadata = await parquetMetadataAsync(await asyncBufferFromFile(path));
  } catch (cause) {
    throw new CleanRoomError('malformed', `${name} is not a Parquet file.`, { cause });
  }
  const codecs = metadata.row_groups.flatMap(group => group.columns.map(column => column.meta_data?.codec));
  if (!codecs.every(codec => codec !== undefined && READABLE.has(codec))) {
    throw new CleanRoomError(
      'malformed',
      `${name} is compressed in a format that the output filter cannot read.`,
      {
        remedy: 'Provision the dataset again with Snappy, Zstandard or gzip compression.'
      }
    );
  }
  const columns = parquetSchema(metadata).children.map(({ element }) => storageOf(element));
  const readable = withoutDecimals(metadata);
  return {
    name,
    columns: columns.map(({ name: column, form }) => ({
      name: column,
      identifier: identifiers.has(column),
      form
    })),
    rows: Number(metadata.num_rows),
    batches: () => readGroups(path, readable, columns)
  };
}
