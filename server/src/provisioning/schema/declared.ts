import type { Column, TableSchema } from '@clean-room/protocol/assets';
import { CleanRoomError } from '@clean-room/protocol/errors';
import type { Inspection } from '../inspect.js';
import type { Reader, Reading } from './reader.js';

/** Returns the parts of a reader that a column declares. */
function declared({ type, precision, scale, zoned, unit }: Column): Reader {
  return {
    type,
    ...(precision === undefined ? {} : { precision }),
    ...(scale === undefined ? {} : { scale }),
    ...(zoned === undefined ? {} : { zoned }),
    ...(unit === undefined ? {} : { unit })
  };
}

/** Returns the reader of a column's values in their usual form. A declared number may be rounded. */
export function plainReader(column: Column): Reader {
  return { ...declared(column), ...(column.type === 'number' ? { rounded: true, long: true } : {}) };
}

/**
 * Returns the reading of a column that the provider declares. A column of the type that the data shows is read as it was
 * inspected; another type is read in its usual form, and every value is checked when the table is written.
 */
function readingFor(column: Column, inspected: Reading): Reading {
  if (inspected.reader.type === column.type)
    return { ...inspected, reader: { ...inspected.reader, ...declared(column) } };
  return {
    position: inspected.position,
    reader: plainReader(column),
    missing: inspected.missing,
    otherwise: 'stop',
    sentinels: false
  };
}

/**
 * Replaces the proposed schema of an inspection by the one that the provider declares. Columns that it does not list are left
 * out, and questions about how to read a column of another type are answered by it.
 *
 * @throws CleanRoomError `malformed` for a column that the data does not have
 */
export function withSchema(inspection: Inspection, schema: TableSchema): Inspection {
  const found = new Map(
    inspection.schema.columns.map((column, index) => [
      column.name,
      { column, reading: inspection.readings[index] }
    ])
  );
  const same = new Set<string>();
  const readings = schema.columns.map(column => {
    const inspected = found.get(column.name);
    if (inspected?.reading === undefined)
      throw new CleanRoomError(
        'malformed',
        `The schema has a column "${column.name}" that the data does not have.`,
        {
          remedy: 'Remove it from the schema, or add it to the data.'
        }
      );
    if (inspected.column.type === column.type) same.add(column.name);
    return readingFor(column, inspected.reading);
  });
  const questions = inspection.questions.filter(
    ({ id, column, lossless }) =>
      column === undefined || (same.has(column) && !(id.startsWith('reading:') && lossless !== undefined))
  );
  return { ...inspection, schema, readings, questions };
}
