import type { Column } from '@clean-room/protocol/assets';
import type { Reader } from './reader.js';

type Bounds = Pick<Column, 'minimum' | 'maximum'>;

const MAX_DIGITS = 38;
const LEAST_INTEGER = -(2n ** 63n);
const GREATEST_INTEGER = 2n ** 63n - 1n;

/** Writes a number without an exponent, with at most 20 digits after the decimal point. */
function withoutExponent(text: string): string {
  if (!/[eE]/.test(text)) return text;
  const value = Number(text);
  return Math.abs(value) >= 1e21 ? String(BigInt(value)) : value.toFixed(20);
}

/** Returns a decimal number as an integer multiplied by 10 to the power of `scale`. */
function scaled(text: string, scale: number): bigint {
  const [whole = '0', fraction = ''] = text.split('.');
  const digits = BigInt(`${whole.replace('-', '')}${fraction.padEnd(scale, '0')}`);
  return text.startsWith('-') ? -digits : digits;
}

function unscaled(value: bigint, scale: number): string {
  const digits = String(value < 0n ? -value : value).padStart(scale + 1, '0');
  const whole = digits.slice(0, digits.length - scale);
  const fraction = digits.slice(digits.length - scale).replace(/0+$/, '');
  const text = fraction === '' ? whole : `${whole}.${fraction}`;
  return value < 0n ? `-${text}` : text;
}

const magnitude = (value: bigint): bigint => (value < 0n ? -value : value);
const floorTo = (value: bigint, step: bigint): bigint => {
  const rest = value % step;
  return value - (rest < 0n ? rest + step : rest);
};

/** Rounds numbers outward to a coarse step, so that they do not reveal the exact value of an extreme row. */
function numberBounds(least: string, greatest: string, type: Reader['type']): Bounds {
  const texts = [withoutExponent(least), withoutExponent(greatest)] as const;
  const scale = Math.max(...texts.map(text => text.split('.')[1]?.length ?? 0));
  const low = scaled(texts[0], scale);
  const high = scaled(texts[1], scale);
  const sizes = [high - low, magnitude(high), 10n ** BigInt(scale)];
  const size = sizes.reduce((a, b) => (a > b ? a : b));
  const step = 10n ** BigInt(String(size).length - 1);
  let minimum = floorTo(low, step);
  let maximum = -floorTo(-high, step);
  if (type === 'integer') {
    if (minimum < LEAST_INTEGER) minimum = LEAST_INTEGER;
    if (maximum > GREATEST_INTEGER) maximum = GREATEST_INTEGER;
  }
  if (
    String(magnitude(maximum)).length - scale > MAX_DIGITS ||
    String(magnitude(minimum)).length - scale > MAX_DIGITS
  )
    return {};
  return { minimum: unscaled(minimum, scale), maximum: unscaled(maximum, scale) };
}

/** Returns whole years around dates and timestamps. */
function yearBounds(least: string, greatest: string, { type, zoned }: Reader): Bounds {
  const [first, last] = [least, greatest].map(text => /^(\d{4})-[^(]*$/.exec(text)?.[1]);
  if (first === undefined || last === undefined || last === '9999') return {};
  if (type === 'date') return { minimum: `${first}-01-01`, maximum: `${last}-12-31` };
  const zone = zoned === true ? 'Z' : '';
  const after = String(Number(last) + 1).padStart(4, '0');
  return { minimum: `${first}-01-01T00:00:00${zone}`, maximum: `${after}-01-01T00:00:00${zone}` };
}

/** Returns whole hours around times of day. */
function hourBounds(least: string, greatest: string): Bounds {
  const last = Number(greatest.slice(0, 2)) + 1;
  return {
    minimum: `${least.slice(0, 2)}:00:00`,
    maximum: last > 23 ? '23:59:59.999999' : `${String(last).padStart(2, '0')}:00:00`
  };
}

/** Returns bounds around the smallest and the largest value, rounded outward. They are public. */
export function boundsOf(reader: Reader, least: string | undefined, greatest: string | undefined): Bounds {
  if (least === undefined || greatest === undefined) return {};
  switch (reader.type) {
    case 'integer':
    case 'decimal':
    case 'number':
      return numberBounds(least, greatest, reader.type);
    case 'date':
    case 'timestamp':
      return yearBounds(least, greatest, reader);
    case 'time':
      return hourBounds(least, greatest);
    default:
      return {};
  }
}
