import { ByteWriter, ParquetWriter } from 'hyparquet-writer';
import type { SchemaElement } from 'hyparquet';
import type { Column, ColumnType, TableSchema } from '@clean-room/protocol/assets';
import type { TypedBatch } from '../schema/conform.js';

const ELEMENTS: Readonly<Record<ColumnType, Omit<SchemaElement, 'name'>>> = {
  integer: { type: 'INT64' },
  number: { type: 'DOUBLE' },
  boolean: { type: 'BOOLEAN' },
  text: { type: 'BYTE_ARRAY', converted_type: 'UTF8' },
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

/** Bytes that are handed on as soon as a row group is whole, so that a file of any size takes the memory of one. */
class PassingWriter extends ByteWriter {
  take(): Uint8Array {
    const bytes = new Uint8Array(this.buffer.slice(0, this.index));
    this.index = 0;
    return bytes;
  }
}

/**
 * A Parquet file (Snappy, one row group a batch). Types are those of the schema, in both stages the same: INT64, DOUBLE,
 * BOOLEAN, UTF8, DATE, TIMESTAMP in microseconds UTC. Column statistics stay in: the file is sealed as a whole.
 */
export async function* writeParquet(
  schema: TableSchema,
  batches: AsyncIterable<TypedBatch> | Iterable<TypedBatch>
): AsyncGenerator<Uint8Array> {
  const writer = new PassingWriter();
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
