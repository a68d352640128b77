import type { ColumnType } from '@clean-room/protocol/assets';
import type { Cell } from '../table/table.js';

/** Words that stand for "no value" in columns that are not text. In text they may be words. */
const NO_VALUE = new Set(['NA', 'N/A', 'NaN', 'nan', 'null', 'NULL', 'None']);
const INTEGER = /^[+-]?\d{1,18}$/;
const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?$/;
const DATE = /^\d{4}-\d{2}-\d{2}$/;
const TIMESTAMP = /^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:?\d{2})?$/;

/** A value of one column type, as it is written; `undefined` when it is not of that type. */
export type Typed = bigint | number | boolean | string | Date | null | undefined;

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

function momentOf(text: string): Date | undefined {
  const date = new Date(text);
  return Number.isNaN(date.getTime()) ? undefined : date;
}

function asDate(cell: Cell): Typed {
  if (cell instanceof Date) return cell.getTime() % 86_400_000 === 0 ? cell : undefined;
  if (typeof cell !== 'string' || !DATE.test(cell)) return undefined;
  const date = momentOf(cell);
  // `new Date` takes 31 February for 3 March.
  return date?.toISOString().startsWith(cell) === true ? date : undefined;
}

function asTimestamp(cell: Cell): Typed {
  if (cell instanceof Date) return cell;
  if (typeof cell !== 'string' || !TIMESTAMP.test(cell)) return undefined;
  const zoned = /(Z|[+-]\d{2}:?\d{2})$/.test(cell) ? cell : `${cell}Z`;
  return momentOf(zoned.replace(' ', 'T'));
}

function asText(cell: Cell): Typed {
  return typeof cell === 'string' ? cell : cell instanceof Date ? cell.toISOString() : String(cell);
}

const READERS: Readonly<Record<ColumnType, (cell: Cell) => Typed>> = {
  integer: asInteger,
  number: asNumber,
  boolean: asBoolean,
  text: asText,
  date: asDate,
  timestamp: asTimestamp
};

/** Reads a value as a type: `null` for no value, `undefined` when it is not of the type. */
export function readAs(type: ColumnType, cell: Cell): Typed {
  if (cell === null || (type !== 'text' && isNoValue(cell))) return null;
  return READERS[type](cell);
}

/** A value on the scale that bounds are written in: itself, days since 1970 (dates), seconds since 1970 (timestamps). */
export function scaleOf(type: ColumnType, value: Exclude<Typed, null | undefined>): number | undefined {
  if (value instanceof Date) return type === 'date' ? value.getTime() / 86_400_000 : value.getTime() / 1000;
  return typeof value === 'number' || typeof value === 'bigint' ? Number(value) : undefined;
}
