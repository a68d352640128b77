import { ByteWriter, ParquetWriter } from 'hyparquet-writer';
import type { SchemaElement } from 'hyparquet';
import type { Column, ColumnType, TableSchema } from '@clean-room/protocol/assets';
import type { TypedBatch } from './table.js';

const ELEMENTS: Readonly<Record<ColumnType, Omit<SchemaElement, 'name'>>> = {
  integer: { type: 'INT64' },
  number: { type: 'DOUBLE' },
  boolean: { type: 'BOOLEAN' },
  text: { type: 'BYTE_ARRAY', converted_type: 'UTF8' },
  decimal: { type: 'BYTE_ARRAY', converted_type: 'UTF8' },
  time: { type: 'BYTE_ARRAY', converted_type: 'UTF8' },
  uuid: { type: 'BYTE_ARRAY', converted_type: 'UTF8' },
  date: { type: 'INT32', converted_type: 'DATE' },
  timestamp: {
    type: 'INT64',
    logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: true, unit: 'MICROS' },
    converted_type: 'TIMESTAMP_MICROS'
  }
};

function elementOf({ name, type, nullable }: Column): SchemaElement {
  return { name, ...ELEMENTS[type], repetition_type: nullable ? 'OPTIONAL' : 'REQUIRED' };
}

/** A writer whose bytes can be taken after each row group, so that a large file needs the memory of one row group. */
class RowGroupWriter extends ByteWriter {
  /** Returns the bytes since the last call. */
  take(): Uint8Array {
    const bytes = new Uint8Array(this.buffer.slice(0, this.index));
    this.index = 0;
    return bytes;
  }
}

/**
 * Writes a Parquet file with Snappy compression and one row group per batch. The types are the same in both stages: INT64,
 * DOUBLE, BOOLEAN, UTF8, DATE, and TIMESTAMP in microseconds UTC. Column statistics are included, because the file is sealed as
 * a whole.
 */
export async function* writeParquet(
  schema: TableSchema,
  batches: AsyncIterable<TypedBatch> | Iterable<TypedBatch>
): AsyncGenerator<Uint8Array> {
  const writer = new RowGroupWriter();
  const file = new ParquetWriter({
    writer,
    schema: [{ name: 'table', num_children: schema.columns.length }, ...schema.columns.map(elementOf)],
    createdBy: 'clean-room'
  });
  for await (const batch of batches) {
    const columnData = schema.columns.map(({ name }, index) => ({
      name,
      data: [...(batch.columns[index] ?? [])]
    }));
    await file.write({ columnData, rowGroupSize: Math.max(1, batch.rows) });
    yield writer.take();
  }
  await file.finish();
  yield writer.take();
}
