import { asyncBufferFromFile, parquetMetadataAsync, parquetRead, parquetSchema } from 'hyparquet';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { BATCH_ROWS, type Batch, type Cell, type Table } from './table.js';

function invalidParquet(file: string, reason: string, cause?: unknown): CleanRoomError {
  return new CleanRoomError('malformed', `${file} cannot be read as Parquet: ${reason}.`, {
    remedy: 'Save it as Parquet with flat columns and Snappy or no compression, or as CSV.',
    cause
  });
}

function asCell(file: string, value: unknown): Cell {
  if (value === undefined || value === null) return null;
  if (value instanceof Date) return value;
  switch (typeof value) {
    case 'string':
    case 'number':
    case 'bigint':
    case 'boolean':
      return value;
    default:
      throw invalidParquet(file, 'a column is nested or contains bytes');
  }
}

/**
 * Opens a Parquet file with flat columns. One batch of rows is in memory at a time.
 * @throws CleanRoomError `malformed`
 */
export async function openParquetTable(file: string): Promise<Table> {
  const buffer = await asyncBufferFromFile(file);
  const metadata = await parquetMetadataAsync(buffer).catch((cause: unknown) => {
    throw invalidParquet(file, 'its footer is damaged', cause);
  });
  const children = parquetSchema(metadata).children;
  if (children.some(child => child.children.length > 0)) throw invalidParquet(file, 'it has nested columns');
  const columns = children.map(child => child.element.name);
  const total = Number(metadata.num_rows);
  const read = async (rowStart: number): Promise<Batch> => {
    const rowEnd = Math.min(total, rowStart + BATCH_ROWS);
    let rows: unknown[][] = [];
    try {
      await parquetRead({
        file: buffer,
        metadata,
        columns,
        rowStart,
        rowEnd,
        onComplete: all => void (rows = all)
      });
    } catch (cause) {
      throw invalidParquet(file, 'its data is damaged or uses an unsupported compression', cause);
    }
    return {
      rows: rows.length,
      columns: columns.map((_, column) => rows.map(row => asCell(file, row[column])))
    };
  };
  return {
    columns,
    async *batches() {
      for (let start = 0; start < total; start += BATCH_ROWS) yield await read(start);
    }
  };
}
