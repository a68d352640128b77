import type { ColumnType } from '@clean-room/protocol/assets';
import type { Cell, TypedValue } from '../table/table.js';

/** Words that mean "no value" in columns that are not text. In text columns they are ordinary words. */
const NO_VALUE = new Set(['NA', 'N/A', 'NaN', 'nan', 'null', 'NULL', 'None']);
const INTEGER = /^[+-]?\d{1,18}$/;
const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?$/;
const DATE = /^\d{4}-\d{2}-\d{2}$/;
const TIMESTAMP = /^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:?\d{2})?$/;

/** The result of reading a value as a column type: `undefined` when it does not have that type. */
type Typed = TypedValue | undefined;

/** Returns whether a value that was read from a file means "no value" in a column that is not text. */
export function isNoValue(cell: Cell): boolean {
  return (
    cell === null ||
    (typeof cell === 'string' && NO_VALUE.has(cell)) ||
    (typeof cell === 'number' && Number.isNaN(cell))
  );
}

function asInteger(cell: Cell): Typed {
  if (typeof cell === 'bigint') return BigInt.asIntN(64, cell) === cell ? cell : undefined;
  if (typeof cell === 'number') return Number.isSafeInteger(cell) ? BigInt(cell) : undefined;
  return typeof cell === 'string' && INTEGER.test(cell) ? BigInt(cell.replace('+', '')) : undefined;
}

function asNumber(cell: Cell): Typed {
  const value = typeof cell === 'string' && NUMBER.test(cell) ? Number(cell) : cell;
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : undefined;
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}

function asBoolean(cell: Cell): Typed {
  if (typeof cell === 'boolean') return cell;
  if (typeof cell !== 'string') return undefined;
  const word = cell.toLowerCase();
  return word === 'true' ? true : word === 'false' ? false : undefined;
}

function dateOf(text: string): Date | undefined {
  const date = new Date(text);
  return Number.isNaN(date.getTime()) ? undefined : date;
}

function asDate(cell: Cell): Typed {
  if (cell instanceof Date) return cell.getTime() % 86_400_000 === 0 ? cell : undefined;
  if (typeof cell !== 'string' || !DATE.test(cell)) return undefined;
  const date = dateOf(cell);
  // `new Date` reads 31 February as 3 March.
  return date?.toISOString().startsWith(cell) === true ? date : undefined;
}

function asTimestamp(cell: Cell): Typed {
  if (cell instanceof Date) return cell;
  if (typeof cell !== 'string' || !TIMESTAMP.test(cell)) return undefined;
  const zoned = /(Z|[+-]\d{2}:?\d{2})$/.test(cell) ? cell : `${cell}Z`;
  return dateOf(zoned.replace(' ', 'T'));
}

function asText(cell: Cell): Typed {
  return typeof cell === 'string' ? cell : cell instanceof Date ? cell.toISOString() : String(cell);
}

const READERS: Readonly<Record<ColumnType, (cell: Cell) => Typed>> = {
  integer: asInteger,
  number: asNumber,
  boolean: asBoolean,
  text: asText,
  decimal: () => undefined,
  time: () => undefined,
  uuid: () => undefined,
  date: asDate,
  timestamp: asTimestamp
};

/** Reads a value as a column type. Returns `null` for no value and `undefined` when the value does not have the type. */
export function readAs(type: ColumnType, cell: Cell): Typed {
  if (cell === null || (type !== 'text' && isNoValue(cell))) return null;
  return READERS[type](cell);
}

/**
 * Returns a value as a number on the scale of the column's bounds: the number itself, days since 1970 for dates, seconds since
 * 1970 for timestamps.
 */
export function scaleOf(type: ColumnType, value: Exclude<TypedValue, null>): number | undefined {
  if (value instanceof Date) return type === 'date' ? value.getTime() / 86_400_000 : value.getTime() / 1000;
  return typeof value === 'number' || typeof value === 'bigint' ? Number(value) : undefined;
}
