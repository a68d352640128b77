import type { Reader } from './reader.js';

/**
 * The exact forms of values, as regular expressions that mean the same in JavaScript and in RE2. Casts of a database accept much
 * more: 0x10, 1_000 and 007 as integers, 1.5 as an integer, `epoch` as a date.
 */

const escaped = (mark: string): string => mark.replace(/[.|*?+()[\]{}\\^$]/g, '\\$&');

/** Numbers of at most this many characters fit a binary number exactly, if they have no exponent. */
export const SHORT_NUMBER = 15;

/** The digits before the decimal mark. */
function wholePart({ thousands, zeros }: Reader): string {
  const plain = zeros === true ? '[0-9]+' : '(?:0|[1-9][0-9]*)';
  return thousands === undefined ? plain : `(?:${plain}|[1-9][0-9]{0,2}(?:${escaped(thousands)}[0-9]{3})+)`;
}

/** Returns the form of numbers without an exponent. */
export function plainNumber(reader: Reader): string {
  const mark = escaped(reader.decimal ?? '.');
  return `-?(?:${wholePart(reader)}(?:${mark}[0-9]*)?|${mark}[0-9]+)`;
}

const DAY = '(?:0?[1-9]|[12][0-9]|3[01])';
const MONTH = '(?:0?[1-9]|1[0-2])';
const YEAR = '[0-9]{4}';
const CLOCK = '(?:[01][0-9]|2[0-3]):[0-5][0-9]';
const ISO_DATE = `${YEAR}-[0-9]{2}-[0-9]{2}`;

const LOCAL_DATES = {
  'd/m/y': `${DAY}/${MONTH}/${YEAR}`,
  'm/d/y': `${MONTH}/${DAY}/${YEAR}`,
  'd.m.y': `${DAY}\\.${MONTH}\\.${YEAR}`,
  'd-m-y': `${DAY}-${MONTH}-${YEAR}`,
  'm-d-y': `${MONTH}-${DAY}-${YEAR}`,
  'y/m/d': `${YEAR}/[0-9]{2}/[0-9]{2}`
} as const;

function datePart({ dates }: Reader): string {
  return dates === undefined ? ISO_DATE : LOCAL_DATES[dates];
}

/** A time zone: Z, or an offset with hours and minutes. */
const ZONE = '(?:Z|[+-][0-9]{2}(?::?[0-9]{2})?)';

function timestampForm(reader: Reader): string {
  const digits = reader.unit === 'nanosecond' ? '{1,9}' : '{1,6}';
  const clock = `${CLOCK}(?::[0-5][0-9](?:\\.[0-9]${digits})?)?`;
  if (reader.dates !== undefined) return `${datePart(reader)} ${CLOCK}(?::[0-5][0-9])?`;
  return reader.zoned === true
    ? `${ISO_DATE}[T ]${CLOCK}:[0-5][0-9](?:\\.[0-9]${digits})?${ZONE}`
    : `${ISO_DATE}[T ]${clock}`;
}

/** Returns the form of a reader's values, or undefined when it accepts any text. */
export function patternOf(reader: Reader): string | undefined {
  switch (reader.type) {
    case 'boolean':
      return reader.words === undefined
        ? 'true|false|TRUE|FALSE|True|False'
        : reader.words.map(escaped).join('|');
    case 'integer':
      return reader.zeros === true || reader.thousands !== undefined
        ? `-?${wholePart(reader)}`
        : '0|-?[1-9][0-9]{0,18}';
    case 'decimal':
      return `-?${wholePart(reader)}(?:${escaped(reader.decimal ?? '.')}[0-9]{1,${Math.max(1, reader.scale ?? 38)}})?`;
    case 'number':
      if (reader.long !== true) return plainNumber(reader);
      return `${plainNumber(reader)}(?:[eE][+-]?[0-9]{1,3})?|-?(?:[Ii]nf|INF|[Ii]nfinity)`;
    case 'date':
      return datePart(reader);
    case 'time':
      return `${CLOCK}(?::[0-5][0-9](?:\\.[0-9]{1,6})?)?`;
    case 'timestamp':
      return timestampForm(reader);
    case 'uuid':
      return '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}';
    case 'text':
      return undefined;
  }
}

/** Texts that programs write for a missing value. They are read as missing only if the provider confirms it. */
export const MISSING_WORDS: readonly string[] = [
  'NA',
  'N/A',
  'n/a',
  'na',
  '#N/A',
  '<NA>',
  'NaN',
  'nan',
  'NULL',
  'Null',
  'null',
  'None',
  'none',
  'nil',
  '\\N',
  '.',
  '?',
  '-',
  '--',
  '..',
  '*',
  'missing',
  'Missing',
  '#NULL!',
  '#NUM!',
  '#VALUE!',
  '#REF!',
  '#DIV/0!',
  'NaT',
  ' '
];
