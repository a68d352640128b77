import { patternOf, plainNumber, SHORT_NUMBER } from '../../schema/patterns.js';
import type { Reader } from '../../schema/reader.js';
import { literal } from './text.js';

const STRPTIME = {
  'd/m/y': '%d/%m/%Y',
  'm/d/y': '%m/%d/%Y',
  'd.m.y': '%d.%m.%Y',
  'd-m-y': '%d-%m-%Y',
  'm-d-y': '%m-%d-%Y',
  'y/m/d': '%Y/%m/%d'
} as const;

const full = (text: string, pattern: string): string => `regexp_full_match(${text}, ${literal(pattern)})`;

/** Removes the marks between thousands, and writes the decimal mark as a full stop. */
function plainDigits(text: string, { decimal, thousands }: Reader): string {
  const grouped = thousands === undefined ? text : `replace(${text}, ${literal(thousands)}, '')`;
  return decimal === ',' ? `replace(${grouped}, ',', '.')` : grouped;
}

/** Writes the exponent of a number without a plus sign and without leading zeros. */
function shortest(number: string): string {
  return `regexp_replace(${number}, 'e\\+?(-?)0*', 'e\\1')`;
}

/** The condition that a binary number has all digits of the text. `mantissa` has neither sign nor mark nor exponent. */
function exactNumber(digits: string): string {
  const mantissa = `regexp_replace(regexp_replace(${digits}, '[eE].*$|[-.]', '', 'g'), '^0+', '')`;
  const value = `try_cast(${digits} AS DOUBLE)`;
  return `CASE WHEN ${full(digits, '-?[Ii].*')} THEN true WHEN NOT isfinite(${value}) THEN false WHEN ${value} = 0 THEN ${mantissa} = '' ELSE length(rtrim(${mantissa}, '0')) <= ${SHORT_NUMBER} OR ${shortest(`${value}::VARCHAR`)} = ${shortest(`lower(${digits})`)} END`;
}

function numberValue(text: string, reader: Reader): string {
  const digits = plainDigits(text, reader);
  const cast = `try_cast(${digits} AS DOUBLE)`;
  const short = `length(${text}) <= ${SHORT_NUMBER} AND ${full(text, plainNumber(reader))}`;
  if (reader.long !== true) return `CASE WHEN ${short} THEN ${cast} END`;
  const any = full(text, patternOf(reader) ?? '');
  const exact = reader.rounded === true ? `isfinite(${cast})` : exactNumber(digits);
  return `CASE WHEN ${short} THEN ${cast} WHEN ${any} AND ${exact} THEN ${cast} END`;
}

/** Returns the cast of a text that has the form of the reader. */
function castOf(text: string, reader: Reader): string {
  switch (reader.type) {
    case 'integer':
      return `try_cast(${plainDigits(text, reader)} AS BIGINT)`;
    case 'decimal':
      return `try_cast(${plainDigits(text, reader)} AS DECIMAL(${reader.precision ?? 38}, ${reader.scale ?? 0}))`;
    case 'boolean':
      return reader.words === undefined ? `lower(${text}) = 'true'` : `${text} = ${literal(reader.words[0])}`;
    case 'date':
      return reader.dates === undefined
        ? `try_cast(${text} AS DATE)`
        : `try_strptime(${text}, ${literal(STRPTIME[reader.dates])})::DATE`;
    case 'time':
      return `try_cast(${text} AS TIME)`;
    case 'timestamp': {
      if (reader.dates !== undefined) {
        const date = STRPTIME[reader.dates];
        return `try_strptime(${text}, [${literal(`${date} %H:%M:%S`)}, ${literal(`${date} %H:%M`)}])`;
      }
      if (reader.zoned === true)
        return `try_cast(regexp_replace(${text}, '([+-][0-9]{2})([0-9]{2})$', '\\1:\\2') AS TIMESTAMPTZ)`;
      return `try_cast(${text} AS ${reader.unit === 'nanosecond' ? 'TIMESTAMP_NS' : 'TIMESTAMP'})`;
    }
    case 'uuid':
      return `try_cast(${text} AS UUID)`;
    default:
      return text;
  }
}

/**
 * Returns the SQL expression of a cell's value: NULL when the text does not have exactly the form of the reader. The casts of
 * DuckDB are lax, so a regular expression guards each of them.
 */
export function valueOf(cell: string, reader: Reader): string {
  if (reader.native === true) return nativeValue(cell, reader);
  const text = reader.blanks === true ? `trim(${cell}, E' \\t')` : cell;
  if (reader.type === 'number') return numberValue(text, reader);
  const pattern = patternOf(reader);
  if (pattern === undefined) return text;
  return `CASE WHEN ${full(text, pattern)} THEN ${castOf(text, reader)} END`;
}

/** Returns the expression of a Parquet value. `try_cast` refuses numbers that the type cannot hold. */
function nativeValue(cell: string, reader: Reader): string {
  return reader.type === 'boolean' ? cell : `try_cast(${cell} AS ${sqlType(reader)})`;
}

/** Returns the condition that a cell is empty, and therefore has no value. In text, only an unquoted empty field is. */
export function isEmpty(cell: string, reader: Reader): string {
  if (reader.type === 'text' || reader.native === true) return `${cell} IS NULL`;
  return reader.blanks === true ? `coalesce(trim(${cell}, E' \\t'), '') = ''` : `coalesce(${cell}, '') = ''`;
}

/** Returns the condition that a cell is not empty. */
export function isFilled(cell: string, reader: Reader): string {
  if (reader.type === 'text' || reader.native === true) return `${cell} IS NOT NULL`;
  return reader.blanks === true ? `trim(${cell}, E' \\t') <> ''` : `${cell} <> ''`;
}

/** Returns the SQL type in which a column is written. */
export function sqlType({ type, precision, scale, zoned, unit }: Reader): string {
  switch (type) {
    case 'integer':
      return 'BIGINT';
    case 'decimal':
      return `DECIMAL(${precision ?? 38}, ${scale ?? 0})`;
    case 'number':
      return 'DOUBLE';
    case 'boolean':
      return 'BOOLEAN';
    case 'text':
      return 'VARCHAR';
    case 'date':
      return 'DATE';
    case 'time':
      return 'TIME';
    case 'uuid':
      return 'UUID';
    case 'timestamp':
      return unit === 'nanosecond' ? 'TIMESTAMP_NS' : zoned === true ? 'TIMESTAMPTZ' : 'TIMESTAMP';
  }
}
