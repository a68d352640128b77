import { Type, type Static } from 'typebox';
import { TableSchema } from '@clean-room/protocol/assets';
import { Closed, Count } from '@clean-room/protocol/documents';
import { Conventions, Dialect } from '../source/dialect.js';
import { Reader, Reading } from '../schema/reader.js';

/** The largest number of columns of a table. */
const MAX_COLUMNS = 10_000;
/** The longest value that is shown to the provider. Longer ones are cut off. */
const MAX_SHOWN = 200;

const Shown = Type.String({ maxLength: MAX_SHOWN });
const Position = Type.Integer({ minimum: 0, maximum: MAX_COLUMNS - 1 });

/** A place in the provider's files: a line of a text file, or a row of a Parquet file. */
const Place = Closed({ file: Type.Integer({ minimum: 0, maximum: 1000 }), line: Count });

const FileInput = Closed({ name: Type.String({ maxLength: 255 }), size: Count });

/** A job that reads tables and tells what is in them. */
export const InspectJob = Closed({
  job: Type.Literal('inspect'),
  files: Type.Array(FileInput, { minItems: 1, maxItems: 1000 }),
  /** The provider's decisions about the dialect. */
  dialect: Type.Partial(Dialect),
  conventions: Conventions,
  /** How the provider wants columns to be read, by name. */
  readers: Type.Array(Closed({ name: Type.String({ maxLength: 1000 }), reader: Reader }), {
    maxItems: MAX_COLUMNS
  }),
  memory: Type.String({ maxLength: 20 })
});
export type InspectJob = Static<typeof InspectJob>;

/** A job that writes a table as Parquet, or as text for the process that makes stand-ins. */
export const ConformJob = Closed({
  job: Type.Literal('conform'),
  output: Type.Union([Type.Literal('parquet'), Type.Literal('csv')]),
  /** The files, or an empty list when the records come through standard input. */
  files: Type.Array(FileInput, { maxItems: 1000 }),
  format: Type.Union([Type.Literal('csv'), Type.Literal('parquet')]),
  dialect: Dialect,
  /** The number of columns of the files, and the names of those of Parquet files. */
  width: Type.Integer({ minimum: 1, maximum: MAX_COLUMNS + 1 }),
  names: Type.Array(Type.String({ maxLength: 1000 }), { maxItems: MAX_COLUMNS }),
  leaveOutOddRecords: Type.Boolean(),
  /** Whether lines end in a carriage return only. */
  oldMacLines: Type.Boolean(),
  schema: TableSchema,
  /** How each column of the schema is read. */
  readings: Type.Array(Reading, { minItems: 1, maxItems: MAX_COLUMNS }),
  memory: Type.String({ maxLength: 20 })
});
export type ConformJob = Static<typeof ConformJob>;
export type Job = InspectJob | ConformJob;

/** A text of the data with the number of rows that have it. */
const Counted = Closed({ text: Shown, count: Count });

/** Facts about one column of the files. */
export const ColumnFacts = Closed({
  position: Position,
  name: Type.String({ maxLength: 1000 }),
  reader: Reader,
  alternatives: Type.Array(
    Closed({
      reader: Reader,
      why: Type.Union([
        Type.Literal('zeros'),
        Type.Literal('exponent'),
        Type.Literal('thousands'),
        Type.Literal('comma'),
        Type.Literal('words'),
        Type.Literal('dates'),
        Type.Literal('mixed'),
        Type.Literal('zone'),
        Type.Literal('rounded')
      ])
    }),
    { maxItems: 4 }
  ),
  /** The number of rows whose cell is not empty, and of those that have a value. */
  filled: Count,
  values: Count,
  minimum: Type.Optional(Shown),
  maximum: Type.Optional(Shown),
  /** Spellings of "no value" that occur. */
  missing: Type.Array(Counted, { maxItems: 100 }),
  /** The other cells without a value: their number, and the first ten. */
  misfits: Count,
  firstMisfits: Type.Array(Closed({ place: Place, text: Shown }), { maxItems: 10 }),
  /** The number of values at the end of the range of binary numbers. */
  sentinels: Count,
  /** All values with their numbers of rows, if there are few. */
  bins: Type.Optional(Type.Array(Counted, { maxItems: 300 })),
  /** The number of different values among the first values. */
  different: Closed({ values: Count, different: Count }),
  /** The number of digits after the decimal mark, in the sample. */
  decimals: Type.Integer({ minimum: 0, maximum: 15 }),
  /** A format that all values have. */
  format: Type.Optional(Type.String({ maxLength: 200 })),
  /** The kind of texts, such as e-mail addresses. */
  kind: Type.Optional(Type.Union([Type.Literal('e-mail'), Type.Literal('phone'), Type.Literal('postcode')])),
  /** The reason why a column of a Parquet file cannot be read. */
  refused: Type.Optional(Type.String({ maxLength: 300 })),
  /** Whether digits of a second are lost when the column is read. */
  lossy: Type.Boolean()
});
export type ColumnFacts = Static<typeof ColumnFacts>;

const TextFacts = Closed({
  dialect: Dialect,
  width: Type.Integer({ minimum: 1, maximum: MAX_COLUMNS + 1 }),
  packing: Type.Union([Type.Literal('none'), Type.Literal('gzip'), Type.Literal('zstd')]),
  /** Guesses that the provider must confirm. */
  asked: Type.Array(
    Type.Union([
      Type.Literal('header'),
      Type.Literal('skip'),
      Type.Literal('comment'),
      Type.Literal('delimiter'),
      Type.Literal('encoding')
    ]),
    { maxItems: 5 }
  ),
  skipped: Type.Array(Shown, { maxItems: 10 }),
  blankLines: Count,
  commentLines: Count,
  /** Records with another number of fields: their number, and the first ten with their numbers of fields. */
  oddRecords: Count,
  firstOddRecords: Type.Array(Closed({ place: Place, fields: Count }), { maxItems: 10 }),
  carriageReturns: Type.Boolean(),
  /** Whether lines end in a carriage return only, as on old Macintosh computers. */
  oldMacLines: Type.Boolean(),
  /** Whether each record ends in a delimiter, which is not a column. */
  trailingDelimiter: Type.Boolean(),
  /** Positions of columns without a name. */
  unnamed: Type.Array(Position, { maxItems: MAX_COLUMNS })
});

/** The answer to {@link InspectJob}. It holds data of the provider, and is shown only to them. */
export const InspectFacts = Closed({
  rows: Count,
  columns: Type.Array(ColumnFacts, { minItems: 1, maxItems: MAX_COLUMNS }),
  /** The first rows as text. */
  preview: Type.Array(Type.Array(Type.Union([Shown, Type.Null()]), { maxItems: MAX_COLUMNS }), {
    maxItems: 10
  }),
  /** Absent for Parquet. */
  text: Type.Optional(TextFacts)
});
export type InspectFacts = Static<typeof InspectFacts>;

/** Reasons why cells do not conform to a schema. */
const Nonconforming = Closed({
  column: Position,
  fault: Type.Union([
    Type.Literal('type'),
    Type.Literal('null'),
    Type.Literal('bounds'),
    Type.Literal('category')
  ]),
  count: Count,
  first: Type.Array(Place, { maxItems: 10 })
});

/** A message of the child process. The child reads untrusted files, so its messages are not trusted. */
export const Message = Type.Union([
  Closed({ type: Type.Literal('inspected'), facts: InspectFacts }),
  Closed({ type: Type.Literal('done'), rows: Count }),
  Closed({
    type: Type.Literal('nonconforming'),
    faults: Type.Array(Nonconforming, { minItems: 1, maxItems: 100 })
  }),
  Closed({
    type: Type.Literal('failed'),
    message: Type.String({ maxLength: 2000 }),
    remedy: Type.String({ maxLength: 1000 })
  })
]);
export type Message = Static<typeof Message>;
