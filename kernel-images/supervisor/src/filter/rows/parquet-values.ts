import type { FileMetaData, ParquetParsers, SchemaElement } from 'hyparquet';
import type { ValueForm } from './dataset.js';

/** Keeps days, and points in time as nanoseconds, which hyparquet would cut to milliseconds. */
export const parsers: Partial<ParquetParsers> = {
  timestampFromMilliseconds: milliseconds => milliseconds * 1_000_000n,
  timestampFromMicroseconds: microseconds => microseconds * 1000n,
  timestampFromNanoseconds: nanoseconds => nanoseconds,
  dateFromDays: days => days
};

/** A column of a Parquet file: the form of its values, and how to convert what hyparquet returns to that form. */
export interface ColumnStorage {
  readonly name: string;
  readonly form: ValueForm;
  readonly read: (values: ArrayLike<unknown>) => ArrayLike<unknown>;
}

/** Doubles hold decimals of so many digits with so few decimals exactly enough to compare them with what is printed. */
const DOUBLE = { precision: 15, scale: 10 };

function isDecimal({ type, converted_type, logical_type }: SchemaElement): boolean {
  // hyparquet reads arrays of bytes without a type as text, so it must convert such decimals itself.
  return (converted_type === 'DECIMAL' || logical_type?.type === 'DECIMAL') && type !== 'BYTE_ARRAY';
}

/** Returns the integer in big-endian bytes, in two's complement. */
function readInteger(bytes: Uint8Array): bigint {
  let value = 0n;
  for (const byte of bytes) value = (value << 8n) | BigInt(byte);
  return BigInt.asIntN(8 * bytes.length, value);
}

function readDecimals(values: ArrayLike<unknown>, convert: (digits: number | bigint) => unknown): unknown[] {
  return Array.from(values, value => {
    if (value instanceof Uint8Array) return convert(readInteger(value));
    return typeof value === 'number' || typeof value === 'bigint' ? convert(value) : value;
  });
}

function timeUnit({ converted_type, logical_type }: SchemaElement): number | undefined {
  if (converted_type === 'TIME_MILLIS') return 1_000_000;
  if (converted_type === 'TIME_MICROS') return 1000;
  if (logical_type?.type !== 'TIME') return undefined;
  return { MILLIS: 1_000_000, MICROS: 1000, NANOS: 1 }[logical_type.unit];
}

/** Returns how a column is stored. */
export function storageOf(element: SchemaElement): ColumnStorage {
  const { name, type, converted_type, logical_type, precision = Infinity } = element;
  const same = (values: ArrayLike<unknown>): ArrayLike<unknown> => values;
  if (isDecimal(element)) {
    const scale = element.scale ?? (logical_type?.type === 'DECIMAL' ? logical_type.scale : 0);
    if (precision <= DOUBLE.precision && scale <= DOUBLE.scale) {
      const factor = 10 ** scale;
      const read = (values: ArrayLike<unknown>) => readDecimals(values, digits => Number(digits) / factor);
      return { name, form: { kind: 'plain' }, read };
    }
    return { name, form: { kind: 'decimal', scale }, read: values => readDecimals(values, BigInt) };
  }
  const unit = timeUnit(element);
  if (unit !== undefined) {
    const nanoseconds = (value: unknown) =>
      value === null || value === undefined ? value : Number(value) * unit;
    return { name, form: { kind: 'time' }, read: values => Array.from(values, nanoseconds) };
  }
  if (converted_type === 'DATE' || logical_type?.type === 'DATE')
    return { name, form: { kind: 'day' }, read: same };
  const isMoment =
    type === 'INT96' ||
    logical_type?.type === 'TIMESTAMP' ||
    converted_type === 'TIMESTAMP_MILLIS' ||
    converted_type === 'TIMESTAMP_MICROS';
  return { name, form: { kind: isMoment ? 'moment' : 'plain' }, read: same };
}

/** Returns the metadata without the type of decimals, so that hyparquet returns their integers and not doubles. */
export function withoutDecimals(metadata: FileMetaData): FileMetaData {
  const schema = metadata.schema.map(element => {
    if (!isDecimal(element)) return element;
    const integer = { ...element };
    delete integer.converted_type;
    delete integer.logical_type;
    return integer;
  });
  return { ...metadata, schema };
}
