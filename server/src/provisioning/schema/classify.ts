import type { Conventions } from '../source/dialect.js';
import { MISSING_WORDS, patternOf, SHORT_NUMBER } from './patterns.js';
import type { Reader } from './reader.js';

/** Another way to read a column, which the provider may choose. */
export interface Alternative {
  readonly reader: Reader;
  readonly why:
    'zeros' | 'exponent' | 'thousands' | 'comma' | 'words' | 'dates' | 'mixed' | 'zone' | 'rounded';
}

/** How a column is read, as far as its sample shows. */
export interface Classification {
  readonly reader: Reader;
  readonly alternatives: readonly Alternative[];
}

/** The different values of a column's sample with their numbers of rows. Empty cells are not included. */
export type Sample = ReadonlyMap<string, number>;

const MISSING = new Set(MISSING_WORDS);
/** A column has a type when at least this share of its values has it. The others are shown to the provider. */
const TYPED_SHARE = 0.95;
const MIXED_SHARE = 0.5;

const WORD_PAIRS: readonly (readonly [string, string])[] = [
  ['Y', 'N'],
  ['y', 'n'],
  ['Yes', 'No'],
  ['yes', 'no'],
  ['YES', 'NO'],
  ['T', 'F']
];

const LADDER: readonly Reader[] = [
  { type: 'boolean' },
  { type: 'integer' },
  { type: 'number' },
  { type: 'number', long: true },
  { type: 'decimal' },
  { type: 'uuid' },
  { type: 'date' },
  { type: 'date', dates: 'y/m/d' },
  { type: 'time' },
  { type: 'timestamp', zoned: false, unit: 'microsecond' },
  { type: 'timestamp', zoned: true, unit: 'microsecond' },
  { type: 'timestamp', zoned: false, unit: 'nanosecond' }
];
const DATE_ORDERS = [
  ['d/m/y', 'm/d/y'],
  ['d-m-y', 'm-d-y'],
  ['d.m.y', 'd.m.y']
] as const;

const compiled = new Map<string, RegExp>();

function matches(pattern: string, text: string): boolean {
  let expression = compiled.get(pattern);
  if (expression === undefined) {
    expression = new RegExp(`^(?:${pattern})$`);
    compiled.set(pattern, expression);
  }
  return expression.test(text);
}

/** Writes the exponent of a number without a plus sign and without leading zeros. */
function shortest(number: string): string {
  return number.toLowerCase().replace(/e\+?(-?)0*/, 'e$1');
}

/** Returns whether a binary number holds all digits of a number. */
function isExact(text: string, reader: Reader): boolean {
  const plain = text.replace(',', '.');
  if (/inf/i.test(plain)) return true;
  const value = Number(reader.thousands === undefined ? plain : text.replaceAll(reader.thousands, ''));
  if (!Number.isFinite(value)) return false;
  const mantissa = plain
    .replace(/[eE].*$/, '')
    .replace(/[-.]/g, '')
    .replace(/^0+/, '');
  if (value === 0) return /^0*$/.test(mantissa);
  return mantissa.replace(/0+$/, '').length <= SHORT_NUMBER || shortest(String(value)) === shortest(plain);
}

/** Returns whether a text has the form of a reader. Days that do not exist are found later, by the database. */
function fits(reader: Reader, text: string): boolean {
  const value = reader.blanks === true ? text.trim() : text;
  const pattern = patternOf(reader);
  if (pattern === undefined) return true;
  if (!matches(pattern, value)) return false;
  switch (reader.type) {
    case 'number':
      return reader.long === true
        ? reader.rounded === true || isExact(value, reader)
        : value.length <= SHORT_NUMBER;
    case 'integer': {
      const digits = reader.thousands === undefined ? value : value.replaceAll(reader.thousands, '');
      return BigInt.asIntN(64, BigInt(digits)) === BigInt(digits);
    }
    case 'decimal':
      return value.replace(/[^0-9]/g, '').length <= 38;
    case 'date':
    case 'timestamp':
      return reader.dates !== undefined || !Number.isNaN(Date.parse(value.slice(0, 10)));
    default:
      return true;
  }
}

/** Counts the rows of a sample that fit a reader. */
function rowsThatFit(sample: Sample, reader: Reader): number {
  let rows = 0;
  for (const [value, count] of sample) if (fits(reader, value)) rows += count;
  return rows;
}

function total(sample: Sample): number {
  let rows = 0;
  for (const count of sample.values()) rows += count;
  return rows;
}

function some(sample: Sample, pattern: RegExp): boolean {
  for (const value of sample.keys()) if (pattern.test(value)) return true;
  return false;
}

/** Adds the scale that a decimal column needs, from the values that fit it. */
export function withScale(reader: Reader, sample: Sample): Reader {
  if (reader.type !== 'decimal') return reader;
  let scale = 0;
  let whole = 1;
  for (const value of sample.keys()) {
    if (!fits({ ...reader, scale: 38 }, value)) continue;
    const [before = '', after = ''] = value.replace('-', '').split(reader.decimal ?? '.');
    scale = Math.max(scale, after.length);
    whole = Math.max(whole, before.replace(/[^0-9]/g, '').length);
  }
  // The number of digits is rounded up, because it would tell how large the largest value is.
  return { ...reader, precision: whole + scale <= 18 ? 18 : 38, scale: Math.min(scale, 38) };
}

function bestOf(sample: Sample, readers: readonly Reader[]): { reader: Reader; rows: number } | undefined {
  const all = total(sample);
  let best: { reader: Reader; rows: number } | undefined;
  for (const reader of readers) {
    const rows = rowsThatFit(sample, reader);
    if (rows > (best?.rows ?? 0)) best = { reader, rows };
    if (rows === all) break;
  }
  return best;
}

/** Dates in the order of the provider: one order that fits is taken, two are a question. */
function byDateOrder(sample: Sample, rows: number, { dates }: Conventions): Classification | undefined {
  for (const type of ['date', 'timestamp'] as const) {
    const rest = type === 'date' ? {} : { zoned: false, unit: 'microsecond' as const };
    for (const orders of DATE_ORDERS) {
      const readers = [...new Set(orders)]
        .map((order): Reader => ({ type, dates: order, ...rest }))
        .filter(reader => rowsThatFit(sample, reader) >= rows * TYPED_SHARE);
      const [first] = readers;
      if (first === undefined) continue;
      const chosen =
        dates === undefined
          ? undefined
          : readers.find(reader => reader.dates?.startsWith(dates[0] ?? '') === true);
      const full = readers.filter(reader => rowsThatFit(sample, reader) === rows);
      if (chosen !== undefined) return { reader: chosen, alternatives: [] };
      if (readers.length === 1) return { reader: first, alternatives: [] };
      if (full.length === 1 && full[0] !== undefined) return { reader: full[0], alternatives: [] };
      return { reader: TEXT, alternatives: readers.map(reader => ({ reader, why: 'dates' })) };
    }
  }
  return undefined;
}

const TEXT: Reader = { type: 'text' };

/** Numbers with a decimal comma or with marks between thousands. */
function byMarks(
  sample: Sample,
  rows: number,
  { decimal }: Conventions,
  commaSeparated: boolean
): Classification | undefined {
  const candidates: readonly Reader[] = [
    { type: 'number', decimal: ',', long: true },
    { type: 'integer', thousands: ',' },
    { type: 'number', thousands: ',', long: true },
    { type: 'number', decimal: ',', thousands: '.', long: true },
    { type: 'integer', thousands: ' ' },
    { type: 'number', decimal: ',', thousands: ' ', long: true },
    { type: 'integer', thousands: "'" },
    { type: 'number', thousands: "'", long: true }
  ];
  const fitting = candidates.filter(reader => rowsThatFit(sample, reader) >= rows * TYPED_SHARE);
  const [first] = fitting;
  if (first === undefined) return undefined;
  const comma = fitting.find(reader => reader.decimal === ',');
  const grouped = fitting.find(reader => reader.thousands === ',');
  const unambiguous = comma !== undefined && grouped === undefined && comma.thousands === undefined;
  if (comma !== undefined && (decimal === ',' || (unambiguous && !commaSeparated && decimal === undefined)))
    return { reader: comma, alternatives: [] };
  const alternatives = [grouped, comma, ...((grouped ?? comma) ? [] : [first])]
    .filter(reader => reader !== undefined)
    .filter(reader => !(decimal === '.' && reader.decimal === ','))
    .map((reader): Alternative => ({ reader, why: reader.thousands === undefined ? 'comma' : 'thousands' }));
  return { reader: TEXT, alternatives };
}

/**
 * Proposes how to read a column. A reading that would lose something, or that is one of several, becomes an alternative to
 * text.
 *
 * @param commaSeparated - whether a comma separates fields, so that a decimal comma is unlikely
 */
export function classify(
  given: Sample,
  conventions: Conventions = {},
  commaSeparated = true
): Classification {
  const padded = some(given, /^[ \t]|[ \t]$/);
  const sample = new Map<string, number>();
  for (const [value, count] of given) {
    const text = value.trim();
    if (text === '' || MISSING.has(text)) continue;
    sample.set(text, (sample.get(text) ?? 0) + count);
  }
  const found = classifyValues(sample, conventions, commaSeparated);
  if (!padded) return found;
  const trim = (reader: Reader): Reader => (reader.type === 'text' ? reader : { ...reader, blanks: true });
  return {
    reader: trim(found.reader),
    alternatives: found.alternatives.map(({ reader, why }) => ({ reader: trim(reader), why }))
  };
}

function classifyValues(sample: Sample, conventions: Conventions, commaSeparated: boolean): Classification {
  const rows = total(sample);
  if (rows === 0) return { reader: TEXT, alternatives: [] };
  const best = bestOf(sample, LADDER);
  const reader = best === undefined ? undefined : withScale(best.reader, sample);
  const numeric = reader !== undefined && ['integer', 'number', 'decimal'].includes(reader.type);
  const zeros = [
    { type: 'integer', zeros: true },
    { type: 'number', zeros: true, long: true }
  ] as const;
  if (some(sample, /^-?0[0-9]+([.,][0-9]*)?$/)) {
    const withZeros = bestOf(sample, zeros);
    return {
      reader: TEXT,
      alternatives:
        withZeros !== undefined && withZeros.rows >= rows * TYPED_SHARE
          ? [{ reader: withZeros.reader, why: 'zeros' }]
          : []
    };
  }
  if (best !== undefined && reader !== undefined && best.rows >= rows * TYPED_SHARE) {
    const codes = some(sample, /^[0-9]+[eE][0-9]+$/) && !some(sample, /[.]|[eE][+-]/);
    if (numeric && codes) return { reader: TEXT, alternatives: [{ reader, why: 'exponent' }] };
    return { reader, alternatives: [] };
  }
  const marked = byMarks(sample, rows, conventions, commaSeparated) ?? byDateOrder(sample, rows, conventions);
  if (marked !== undefined) return marked;
  const words = WORD_PAIRS.find(([yes, no]) =>
    [...sample.keys()].every(value => value === yes || value === no)
  );
  if (words !== undefined && sample.size === 2)
    return { reader: TEXT, alternatives: [{ reader: { type: 'boolean', words: [...words] }, why: 'words' }] };
  if (best !== undefined && reader !== undefined && best.rows >= rows * MIXED_SHARE)
    return { reader: TEXT, alternatives: [{ reader, why: 'mixed' }] };
  return { reader: TEXT, alternatives: [] };
}
