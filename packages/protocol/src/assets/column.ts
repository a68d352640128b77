import { Type, type Static } from 'typebox';
import { Closed, Text } from '../documents/fields.js';

/** A decimal number as text, because signed documents contain no fractions. */
export const DecimalText = Type.String({ pattern: '^-?\\d{1,40}(\\.\\d{1,40})?$' });

/**
 * The type of a column's values. The sealed file, the stand-in and everything that notebooks read have exactly this type.
 *
 * - `integer`: a signed integer of 64 bits.
 * - `decimal`: an exact decimal number of at most 38 digits; see {@link Column} `precision` and `scale`.
 * - `number`: a binary floating-point number of 64 bits (IEEE 754).
 * - `date`: a day. `time`: a time of day in microseconds.
 * - `timestamp`: a date and time, in microseconds or nanoseconds; see {@link Column} `zoned` and `unit`.
 * - `uuid`: 16 bytes, written as in RFC 9562.
 */
export const ColumnType = Type.Union([
  Type.Literal('integer'),
  Type.Literal('decimal'),
  Type.Literal('number'),
  Type.Literal('boolean'),
  Type.Literal('text'),
  Type.Literal('date'),
  Type.Literal('time'),
  Type.Literal('timestamp'),
  Type.Literal('uuid')
]);
export type ColumnType = Static<typeof ColumnType>;

/** The kind of fact about a person that a column's values could reveal. */
export const ColumnRole = Type.Union([
  /** The values identify persons, or could. Such values never leave in an output. */
  Type.Literal('identifier'),
  /** The values identify a person together with other columns: age, postcode, profession. */
  Type.Literal('quasi-identifier'),
  /** The values are what others should not learn about a person: diagnosis, income. */
  Type.Literal('sensitive')
]);
export type ColumnRole = Static<typeof ColumnRole>;

/** A smallest or largest value: a decimal number, a date (`2020-01-31`), a time (`12:00:00`) or a timestamp (`2020-01-31T12:00:00Z`). */
const Bound = Type.String({
  pattern:
    '^(-?\\d{1,40}(\\.\\d{1,40})?|\\d{4}-\\d{2}-\\d{2}|\\d{2}:\\d{2}:\\d{2}(\\.\\d{1,6})?|\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}(\\.\\d{1,9})?Z?)$'
});

/**
 * A column as its provider declares it. Everything here is public, including bounds and categories: a random stand-in is made
 * only from this declaration.
 */
export const Column = Closed({
  name: Type.String({ minLength: 1, maxLength: 128 }),
  type: ColumnType,
  nullable: Type.Boolean(),
  description: Type.Optional(Text),
  role: Type.Optional(ColumnRole),
  /** The smallest and the largest value that the provider declares. */
  minimum: Type.Optional(Bound),
  maximum: Type.Optional(Bound),
  /** Only for `decimal`, where both are required: the number of digits, and of those after the decimal point. */
  precision: Type.Optional(Type.Integer({ minimum: 1, maximum: 38 })),
  scale: Type.Optional(Type.Integer({ minimum: 0, maximum: 38 })),
  /** Only for `number`: the number of digits after the decimal point in a stand-in. */
  decimals: Type.Optional(Type.Integer({ minimum: 0, maximum: 15 })),
  /** Only for `timestamp`: whether the values are points in time (in UTC) and not local times. Required there. */
  zoned: Type.Optional(Type.Boolean()),
  /** Only for `timestamp`, where it is required. */
  unit: Type.Optional(Type.Union([Type.Literal('microsecond'), Type.Literal('nanosecond')])),
  /** All values that occur, as text, in the order of the provider. Only for `text`, `integer` and `boolean`. */
  categories: Type.Optional(Type.Array(Type.String({ maxLength: 200 }), { minItems: 1, maxItems: 1000 })),
  /**
   * Only for `text`: the format of the values, as a regular expression of literal characters, `\d`, character ranges such as
   * `[A-Z]`, and counts such as `{6}` or `{2,8}`. A stand-in is made of values of this format.
   */
  format: Type.Optional(Type.String({ minLength: 1, maxLength: 200 }))
});
export type Column = Static<typeof Column>;

/** The columns of a table, in order. */
export const TableSchema = Closed({ columns: Type.Array(Column, { minItems: 1, maxItems: 10_000 }) });
export type TableSchema = Static<typeof TableSchema>;
