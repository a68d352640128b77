import type { Column, TableSchema } from '@clean-room/protocol/assets';
import { CleanRoomError } from '@clean-room/protocol/errors';
import type { Batch, Table, TypedBatch, TypedValue } from '../table/table.js';
import { readAs, scaleOf } from './value.js';

type Fault = 'type' | 'null' | 'bounds' | 'category';

const FAULTS: Readonly<Record<Fault, string>> = {
  type: 'do not have the declared type',
  null: 'are missing, but the column is not declared as nullable',
  bounds: 'are outside the declared bounds',
  category: 'are not among the declared categories'
};

function faultOf(column: Column, value: TypedValue | undefined): Fault | undefined {
  if (value === undefined) return 'type';
  if (value === null) return column.nullable ? undefined : 'null';
  if (column.categories !== undefined && !column.categories.includes(String(value))) return 'category';
  const scale = scaleOf(column.type, value);
  if (scale === undefined) return undefined;
  if (column.minimum !== undefined && scale < Number(column.minimum)) return 'bounds';
  return column.maximum !== undefined && scale > Number(column.maximum) ? 'bounds' : undefined;
}

/** Describes a fault by column and number of values. Messages never contain a value of the data. */
function nonconforming(column: Column, faults: ReadonlyMap<Fault, number>): CleanRoomError {
  const [[fault, count] = ['type', 0] as const] = faults;
  return new CleanRoomError(
    'malformed',
    `The schema does not fit the data: in column "${column.name}" ${count} values ${FAULTS[fault]}.`,
    {
      remedy: 'Correct the schema or the data. Nothing was published.'
    }
  );
}

function columnsInOrder(table: Table, schema: TableSchema): readonly number[] {
  return schema.columns.map(({ name }) => {
    const index = table.columns.indexOf(name);
    if (index !== -1) return index;
    throw new CleanRoomError('malformed', `The schema has a column "${name}" that the data does not have.`, {
      remedy: 'Remove it from the schema, or add it to the data.'
    });
  });
}

function toTyped(batch: Batch, schema: TableSchema, order: readonly number[]): TypedBatch {
  const columns = schema.columns.map((column, index) => {
    const faults = new Map<Fault, number>();
    const values = (batch.columns[order[index] ?? -1] ?? []).map(cell => {
      const value = readAs(column.type, cell);
      const fault = faultOf(column, value);
      if (fault !== undefined) faults.set(fault, (faults.get(fault) ?? 0) + 1);
      return value ?? null;
    });
    if (faults.size > 0) throw nonconforming(column, faults);
    return values;
  });
  return { rows: batch.rows, columns };
}

/**
 * Yields a table's rows with the types that the schema declares. Columns that the schema does not list are left out.
 * @throws CleanRoomError `malformed` at the first batch with a value that does not conform to the schema
 */
export async function* conformingRows(table: Table, schema: TableSchema): AsyncGenerator<TypedBatch> {
  const order = columnsInOrder(table, schema);
  for await (const batch of table.batches()) yield toTyped(batch, schema, order);
}
