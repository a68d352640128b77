import type { Column } from './column.js';

const INTEGER = /^-?\d+$/;
const DECIMAL = /^-?(\d+)(?:\.(\d+))?$/;
const DAY = /^(?!0000)\d{4}-\d{2}-\d{2}$/;
const TIME = /^([01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.(\d{1,6}))?$/;
const TIMESTAMP = /^(\d{4}-\d{2}-\d{2})T(\d{2}:\d{2}:\d{2})(?:\.(\d{1,9}))?(Z?)$/;

const INT64 = { minimum: -(2n ** 63n), maximum: 2n ** 63n - 1n };
const NANOSECONDS = 1_000_000_000n;

/** Returns a decimal number as an integer, in units of 10^-40, so that numbers of every scale can be compared. */
function inUnits(text: string): bigint | undefined {
  const match = DECIMAL.exec(text);
  if (match === null) return undefined;
  const [, whole = '', fraction = ''] = match;
  const units = BigInt(whole + fraction.padEnd(40, '0'));
  return text.startsWith('-') ? -units : units;
}

function isDay(text: string): boolean {
  const time = DAY.test(text) ? Date.parse(`${text}T00:00:00Z`) : NaN;
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(text);
}

function timestamp(text: string, { zoned, unit }: Column): bigint | undefined {
  const [, day = '', time = '', fraction = '', zone = ''] = TIMESTAMP.exec(text) ?? [];
  if (!isDay(day) || !TIME.test(time) || (zone === 'Z') !== (zoned === true)) return undefined;
  if (unit !== 'nanosecond' && fraction.length > 6) return undefined;
  const seconds = BigInt(Date.parse(`${day}T${time}Z`) / 1000);
  const value = seconds * NANOSECONDS + BigInt(fraction.padEnd(9, '0'));
  const fits = value >= INT64.minimum && value <= INT64.maximum;
  return unit !== 'nanosecond' || fits ? value : undefined;
}

/**
 * Reads a bound of a column.
 *
 * @returns a number that has the order of the column's values, or `undefined` if the text is not a value of the column's type
 */
export function readBound(text: string, column: Column): bigint | undefined {
  switch (column.type) {
    case 'integer': {
      const value = INTEGER.test(text) ? BigInt(text) : undefined;
      return value !== undefined && value >= INT64.minimum && value <= INT64.maximum ? value : undefined;
    }
    case 'decimal': {
      const [, whole = '', fraction = ''] = DECIMAL.exec(text) ?? [];
      const { precision = 0, scale = 0 } = column;
      const fits = whole.replace(/^0+/, '').length <= precision - scale && fraction.length <= scale;
      return fits ? inUnits(text) : undefined;
    }
    case 'number':
      return inUnits(text);
    case 'date':
      return isDay(text) ? BigInt(Date.parse(`${text}T00:00:00Z`)) : undefined;
    case 'time': {
      const fraction = TIME.exec(text)?.[2] ?? '';
      return TIME.test(text)
        ? BigInt(text.slice(0, 8).replaceAll(':', '') + fraction.padEnd(6, '0'))
        : undefined;
    }
    case 'timestamp':
      return timestamp(text, column);
    case 'boolean':
    case 'text':
    case 'uuid':
      return undefined;
  }
}

/** Returns whether a text is a category of the column: an integer or a boolean as it is written everywhere, or any text. */
export function isCategory(text: string, { type }: Column): boolean {
  switch (type) {
    case 'text':
      return true;
    case 'boolean':
      return text === 'true' || text === 'false';
    case 'integer':
      return /^(?:0|-?[1-9]\d*)$/.test(text) && BigInt.asIntN(64, BigInt(text)) === BigInt(text);
    default:
      return false;
  }
}
