import { digestOf } from '@clean-room/protocol/bytes';
import { canonicalJson } from '@clean-room/protocol/documents';
import type { Column, TableSchema } from '@clean-room/protocol/assets';
import { BATCH_ROWS, type TypedBatch, type TypedValue } from '../table/table.js';
import { writeParquet } from '../table/write-parquet.js';
import { SeededRandom } from './random.js';

/** The number of rows in a stand-in. */
export const STAND_IN_ROWS = 1000;
const NULL_SHARE = 0.05;
const SYLLABLES = ['ba', 'de', 'fi', 'go', 'hu', 'ka', 'le', 'mi', 'no', 'ru', 'sa', 'te', 'vi', 'zo'];
/** The bounds of dates that declare none, in days since 1970: from 2000 to 2029. Numbers without bounds are from 0 to 100. */
const DAYS: readonly [number, number] = [10_957, 21_914];

function boundsOf(
  { minimum, maximum }: Column,
  [least, greatest]: readonly [number, number]
): readonly [number, number] {
  const low = minimum === undefined ? undefined : Number(minimum);
  const high = maximum === undefined ? undefined : Number(maximum);
  if (low === undefined && high === undefined) return [least, greatest];
  return [low ?? (high ?? 0) - (greatest - least), high ?? (low ?? 0) + (greatest - least)];
}

function word(random: SeededRandom): string {
  return Array.from({ length: random.integer(2, 4) }, () => random.pick(SYLLABLES, 'ba')).join('');
}

function text(column: Column, row: number, random: SeededRandom): string {
  if (column.categories !== undefined) return random.pick(column.categories, '');
  // Identifiers are different in every row.
  if (column.role === 'identifier') return `${column.name}-${String(row + 1).padStart(6, '0')}`;
  return Array.from({ length: random.integer(1, 3) }, () => word(random)).join(' ');
}

function number(column: Column, random: SeededRandom): number {
  const [least, greatest] = boundsOf(column, [0, 100]);
  const value = least + random.next() * (greatest - least);
  return Math.min(greatest, Math.max(least, Number(value.toFixed(Math.min(column.decimals ?? 2, 15)))));
}

function valueOf(column: Column, row: number, random: SeededRandom): TypedValue {
  if (column.nullable && random.next() < NULL_SHARE) return null;
  switch (column.type) {
    case 'boolean':
      return random.next() < 0.5;
    case 'integer': {
      if (column.role === 'identifier' && column.minimum === undefined) return BigInt(row + 1);
      const [least, greatest] = boundsOf(column, [0, 100]);
      return BigInt(random.integer(Math.ceil(least), Math.floor(greatest)));
    }
    case 'number':
      return number(column, random);
    case 'date': {
      const [first, last] = boundsOf(column, DAYS);
      return new Date(random.integer(Math.ceil(first), Math.floor(last)) * 86_400_000);
    }
    case 'timestamp': {
      const [first, last] = boundsOf(column, [DAYS[0] * 86_400, DAYS[1] * 86_400]);
      return new Date(random.integer(Math.ceil(first), Math.floor(last)) * 1000);
    }
    case 'decimal':
    case 'time':
    case 'uuid':
    case 'text':
      return text(column, row, random);
  }
}

function* batches(schema: TableSchema, rows: number): Generator<TypedBatch> {
  const random = new SeededRandom(digestOf(canonicalJson(schema)));
  for (let start = 0; start < rows; start += BATCH_ROWS) {
    const count = Math.min(BATCH_ROWS, rows - start);
    const columns = schema.columns.map(column =>
      Array.from({ length: count }, (_, index) => valueOf(column, start + index, random))
    );
    yield { rows: count, columns };
  }
}

/**
 * Creates a stand-in as a Parquet file from the schema only, so that it contains nothing of the data, not even the number of
 * rows. Equal schemas give equal bytes.
 */
export async function randomStandIn(schema: TableSchema, rows = STAND_IN_ROWS): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const part of writeParquet(schema, batches(schema, rows))) parts.push(part);
  return new Uint8Array(Buffer.concat(parts));
}
