import { Type, type Static } from 'typebox';
import { Closed } from '@clean-room/protocol/documents';

/** The character encodings that are read. `windows-1252` includes Latin-1. */
export const Encoding = Type.Union([
  Type.Literal('utf-8'),
  Type.Literal('utf-16le'),
  Type.Literal('utf-16be'),
  Type.Literal('windows-1252')
]);
export type Encoding = Static<typeof Encoding>;

/** How the text of a file becomes records and fields. */
export const Dialect = Closed({
  encoding: Encoding,
  delimiter: Type.Union([
    Type.Literal(','),
    Type.Literal(';'),
    Type.Literal('\t'),
    Type.Literal('|'),
    Type.Literal(' ')
  ]),
  /** The quotation mark of fields, or an empty text when fields are not quoted. */
  quote: Type.Union([Type.Literal('"'), Type.Literal("'"), Type.Literal('')]),
  /** Whether the first record contains the names of the columns. */
  header: Type.Boolean(),
  /** The number of lines before the first record: titles, remarks, `sep=;`. */
  skip: Type.Integer({ minimum: 0, maximum: 1000 }),
  /** The text that begins a line which is not part of the table, or an empty text. */
  comment: Type.Union([Type.Literal(''), Type.Literal('#')])
});
export type Dialect = Static<typeof Dialect>;

/** Conventions that decide how ambiguous numbers and dates are read. */
export const Conventions = Closed({
  decimal: Type.Optional(Type.Union([Type.Literal('.'), Type.Literal(',')])),
  /** The order of day and month in dates such as 03/04/2020. */
  dates: Type.Optional(Type.Union([Type.Literal('dmy'), Type.Literal('mdy')]))
});
export type Conventions = Static<typeof Conventions>;

/** The dialect of the CSV files that this program writes itself. */
export const OWN_DIALECT: Dialect = {
  encoding: 'utf-8',
  delimiter: ',',
  quote: '"',
  header: false,
  skip: 0,
  comment: ''
};
