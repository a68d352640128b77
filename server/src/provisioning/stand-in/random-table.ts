import { digestOf } from '@clean-room/protocol/bytes';
import { canonicalJson } from '@clean-room/protocol/documents';
import type { TableSchema } from '@clean-room/protocol/assets';
import { conformText } from '../conform.js';
import { SeededRandom } from './random.js';
import { valuesOf } from './values.js';

/** The number of rows in a stand-in. */
export const STAND_IN_ROWS = 1000;
const NULL_SHARE = 0.05;

function* rowsOf(schema: TableSchema, rows: number): Generator<(string | null)[]> {
  const random = new SeededRandom(digestOf(canonicalJson(schema)));
  const makers = schema.columns.map(column => ({ nullable: column.nullable, make: valuesOf(column) }));
  for (let row = 0; row < rows; row++) {
    yield makers.map(({ nullable, make }) =>
      nullable && random.next() < NULL_SHARE ? null : make(row, random)
    );
  }
}

/**
 * Creates a stand-in as a Parquet file from the schema only, so that it contains nothing of the data, not even the number of
 * rows. Equal schemas give equal bytes. It is written as the data is, so that both have the same types.
 */
export async function randomStandIn(schema: TableSchema, rows = STAND_IN_ROWS): Promise<Uint8Array> {
  return conformText(rowsOf(schema, rows), schema);
}
