import { Type, type Static } from 'typebox';
import { ColumnType } from '@clean-room/protocol/assets';
import { Closed } from '@clean-room/protocol/documents';

/** How the text of a cell becomes a value. A text that does not have this form exactly does not become a value. */
export const Reader = Closed({
  type: ColumnType,
  /** The decimal mark of numbers; a full stop by default. */
  decimal: Type.Optional(Type.Union([Type.Literal('.'), Type.Literal(',')])),
  /** The mark between groups of three digits. */
  thousands: Type.Optional(
    Type.Union([Type.Literal(','), Type.Literal('.'), Type.Literal(' '), Type.Literal("'")])
  ),
  /** Whether numbers may have leading zeros, which are then lost. */
  zeros: Type.Optional(Type.Boolean()),
  /** Whether numbers may have an exponent or many characters, or be infinite. The check of such numbers is slower. */
  long: Type.Optional(Type.Boolean()),
  /** Whether numbers with more digits than a binary number holds are rounded. */
  rounded: Type.Optional(Type.Boolean()),
  /** The order and marks of dates that are not in ISO 8601. */
  dates: Type.Optional(
    Type.Union([
      Type.Literal('d/m/y'),
      Type.Literal('m/d/y'),
      Type.Literal('d.m.y'),
      Type.Literal('d-m-y'),
      Type.Literal('m-d-y'),
      Type.Literal('y/m/d')
    ])
  ),
  /** The words for true and false; by default true and false in lower case, upper case or with a capital letter. */
  words: Type.Optional(Type.Tuple([Type.String({ maxLength: 20 }), Type.String({ maxLength: 20 })])),
  /** Whether blanks around the value are ignored. */
  blanks: Type.Optional(Type.Boolean()),
  precision: Type.Optional(Type.Integer({ minimum: 1, maximum: 38 })),
  scale: Type.Optional(Type.Integer({ minimum: 0, maximum: 38 })),
  zoned: Type.Optional(Type.Boolean()),
  unit: Type.Optional(Type.Union([Type.Literal('microsecond'), Type.Literal('nanosecond')])),
  /** Whether the values have this type in a Parquet file already. Otherwise they are read as text. */
  native: Type.Optional(Type.Boolean())
});
export type Reader = Static<typeof Reader>;

/** How the cells of a column of the file become the values of a column of the table. */
export const Reading = Closed({
  /** The position of the column in the file, from 0. */
  position: Type.Integer({ minimum: 0, maximum: 9999 }),
  reader: Reader,
  /** Texts that mean "no value". */
  missing: Type.Array(Type.String({ maxLength: 200 }), { maxItems: 100 }),
  /** The treatment of any other text that is not a value: an error, no value, or the row is left out. */
  otherwise: Type.Union([Type.Literal('stop'), Type.Literal('missing'), Type.Literal('leave-out')]),
  /** Whether numbers at the end of the range of binary numbers mean "no value". */
  sentinels: Type.Boolean()
});
export type Reading = Static<typeof Reading>;
