import type { Column } from '@clean-room/protocol/assets';
import { parseFormat, textOfFormat } from './format.js';
import type { SeededRandom } from './random.js';

/** Creates the value of a column in one row, as text. */
export type ValueMaker = (row: number, random: SeededRandom) => string;

const SYLLABLES = ['ba', 'de', 'fi', 'go', 'hu', 'ka', 'le', 'mi', 'no', 'ru', 'sa', 'te', 'vi', 'zo'];
const DEFAULT_RANGE = 100n;
const DAY_MS = 86_400_000;
/** Dates that declare no bounds are from 2000 to 2029. */
const FIRST_DAY = '2000-01-01';
const LAST_DAY = '2029-12-31';
const RANDOM_BITS = 2 ** 48;

/** Returns a random integer between two bounds, both included. Ranges above 48 bits are covered coarsely. */
function integerBetween(least: bigint, greatest: bigint, random: SeededRandom): bigint {
  if (greatest <= least) return least;
  const steps = greatest - least + 1n;
  return least + (BigInt(Math.floor(random.next() * RANDOM_BITS)) * steps) / BigInt(RANDOM_BITS);
}

/** Returns a decimal text as an integer multiplied by 10 to the power of `scale`, rounded by `round`. */
function scaled(text: string, scale: number, round: 'up' | 'down'): bigint {
  const [whole = '0', fraction = ''] = text.replace('-', '').split('.');
  const digits = BigInt(whole + fraction.slice(0, scale).padEnd(scale, '0'));
  const signed = text.startsWith('-') ? -digits : digits;
  const cut = /[1-9]/.test(fraction.slice(scale));
  if (!cut) return signed;
  if (round === 'up') return text.startsWith('-') ? signed : signed + 1n;
  return text.startsWith('-') ? signed - 1n : signed;
}

function decimalText(value: bigint, scale: number): string {
  const digits = String(value < 0n ? -value : value).padStart(scale + 1, '0');
  const whole = digits.slice(0, digits.length - scale);
  const sign = value < 0n ? '-' : '';
  return scale === 0 ? `${sign}${whole}` : `${sign}${whole}.${digits.slice(digits.length - scale)}`;
}

/** Returns the scaled bounds of a column of numbers. Without bounds, values are from 0 to 100. */
function bounds({ minimum, maximum }: Column, scale: number): readonly [bigint, bigint] {
  const range = DEFAULT_RANGE * 10n ** BigInt(scale);
  const low = minimum === undefined ? undefined : scaled(minimum, scale, 'up');
  const high = maximum === undefined ? undefined : scaled(maximum, scale, 'down');
  return [low ?? (high === undefined ? 0n : high - range), high ?? (low ?? 0n) + range];
}

function numbers(column: Column, scale: number): ValueMaker {
  const [least, greatest] = bounds(column, scale);
  return (_, random) => decimalText(integerBetween(least, greatest, random), scale);
}

/** The scale of a decimal column, reduced so that its range has enough digits. */
function decimals(column: Column): ValueMaker {
  const { precision = 38, scale = 0 } = column;
  const limit = 10n ** BigInt(precision) - 1n;
  const [least, greatest] = bounds(column, scale);
  const clamp = (value: bigint): bigint => (value > limit ? limit : value < -limit ? -limit : value);
  return (_, random) => decimalText(integerBetween(clamp(least), clamp(greatest), random), scale);
}

function isoDay(day: bigint): string {
  return new Date(Number(day) * DAY_MS).toISOString().slice(0, 10);
}

function dates({ minimum = FIRST_DAY, maximum = LAST_DAY }: Column): ValueMaker {
  const [first, last] = [minimum, maximum].map(text => BigInt(Date.parse(text) / DAY_MS));
  return (_, random) => isoDay(integerBetween(first ?? 0n, last ?? 0n, random));
}

function secondsOf(text: string): bigint {
  const [hours = '0', minutes = '0', seconds = '0'] = text.split(':');
  return BigInt(hours) * 3600n + BigInt(minutes) * 60n + BigInt(Math.floor(Number(seconds)));
}

function times({ minimum = '00:00:00', maximum = '23:59:59' }: Column): ValueMaker {
  const [first, last] = [secondsOf(minimum), secondsOf(maximum)];
  return (_, random) => {
    const seconds = Number(integerBetween(first, last, random));
    return new Date(seconds * 1000).toISOString().slice(11, 19);
  };
}

function timestamps({ minimum, maximum, zoned }: Column): ValueMaker {
  const seconds = (text: string): bigint =>
    BigInt(Math.floor(Date.parse(`${text.replace('Z', '')}Z`) / 1000));
  const first = seconds(minimum ?? `${FIRST_DAY}T00:00:00`);
  const last = seconds(maximum ?? `${LAST_DAY}T23:59:59`);
  return (_, random) => {
    const moment = new Date(Number(integerBetween(first, last, random)) * 1000);
    return `${moment.toISOString().slice(0, 19)}${zoned === true ? 'Z' : ''}`;
  };
}

function hexadecimal(length: number, random: SeededRandom): string {
  return Array.from({ length }, () => random.integer(0, 15).toString(16)).join('');
}

function word(random: SeededRandom): string {
  return Array.from({ length: random.integer(2, 4) }, () => random.pick(SYLLABLES, 'ba')).join('');
}

function texts({ name, role, format }: Column): ValueMaker {
  const parts = format === undefined ? undefined : parseFormat(format);
  const seen = new Set<string>();
  return (row, random) => {
    if (parts !== undefined) {
      let text = textOfFormat(parts, random);
      // Identifiers are different in every row, as far as the format has so many.
      for (let attempt = 0; role === 'identifier' && seen.has(text) && attempt < 20; attempt++)
        text = textOfFormat(parts, random);
      if (role === 'identifier') seen.add(text);
      return text;
    }
    if (role === 'identifier') return `${name}-${String(row + 1).padStart(6, '0')}`;
    return Array.from({ length: random.integer(1, 3) }, () => word(random)).join(' ');
  };
}

/** Returns what creates the values of a column: of its type, within its bounds and categories, of its format. */
export function valuesOf(column: Column): ValueMaker {
  const { type, role, categories, minimum } = column;
  if (categories !== undefined) return (_, random) => random.pick(categories, '');
  switch (type) {
    case 'boolean':
      return (_, random) => String(random.next() < 0.5);
    case 'integer':
      return role === 'identifier' && minimum === undefined ? row => String(row + 1) : numbers(column, 0);
    case 'decimal':
      return decimals(column);
    case 'number':
      return numbers(column, column.decimals ?? 2);
    case 'date':
      return dates(column);
    case 'time':
      return times(column);
    case 'timestamp':
      return timestamps(column);
    case 'uuid':
      return (_, random) =>
        `${hexadecimal(8, random)}-${hexadecimal(4, random)}-4${hexadecimal(3, random)}-a${hexadecimal(3, random)}-${hexadecimal(12, random)}`;
    case 'text':
      return texts(column);
  }
}
