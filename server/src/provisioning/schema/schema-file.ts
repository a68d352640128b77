import { parse } from 'yaml';
import { Type } from 'typebox';
import { TableSchema, type Column } from '@clean-room/protocol/assets';
import { checkSchema } from '@clean-room/protocol/documents';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { Conventions, Dialect } from '../source/dialect.js';
import { parseFormat } from '../stand-in/format.js';

/** The file of `clean-room provision --schema`: a table schema, with what the provider has decided about the file. */
const SchemaFile = Type.Object(
  {
    description: Type.Optional(Type.String({ maxLength: 4000 })),
    dialect: Type.Optional(Type.Partial(Dialect)),
    conventions: Type.Optional(Conventions),
    answers: Type.Optional(Type.Record(Type.String({ maxLength: 200 }), Type.String({ maxLength: 40 }))),
    columns: Type.Optional(TableSchema.properties.columns)
  },
  { additionalProperties: false }
);

/** The decisions of a provider that are kept under version control. */
export interface SchemaDecisions {
  readonly description: string | undefined;
  readonly dialect: Partial<Dialect>;
  readonly conventions: Conventions;
  readonly answers: Readonly<Record<string, string>>;
  /** Absent when the file only answers questions. */
  readonly schema: TableSchema | undefined;
}

function throwInvalidSchema(reason: string): never {
  throw new CleanRoomError('malformed', `The schema is not valid: ${reason}.`, {
    remedy: 'Correct the schema file.'
  });
}

const NUMBER = /^-?\d+(\.\d+)?$/;
const BOUND_FORMS: Partial<Record<Column['type'], RegExp>> = {
  integer: NUMBER,
  decimal: NUMBER,
  number: NUMBER,
  date: /^\d{4}-\d{2}-\d{2}$/,
  time: /^\d{2}:\d{2}:\d{2}/,
  timestamp: /^\d{4}-\d{2}-\d{2}T/
};

function checkBounds({ name, type, minimum, maximum }: Column): void {
  const given = [minimum, maximum].filter(bound => bound !== undefined);
  const form = BOUND_FORMS[type];
  if (given.length > 0 && form === undefined)
    throwInvalidSchema(`"${name}" is ${type} and cannot have bounds`);
  const wrong = given.find(bound => form?.test(bound) !== true);
  if (wrong !== undefined)
    throwInvalidSchema(`the bound "${wrong}" of "${name}" is not a value of type ${type}`);
  if (minimum === undefined || maximum === undefined) return;
  const reversed = form === NUMBER ? Number(minimum) > Number(maximum) : minimum > maximum;
  if (reversed) throwInvalidSchema(`the bounds of "${name}" are in the wrong order`);
}

function checkColumn(column: Column): void {
  const { name, type, categories, decimals, precision, scale, zoned, unit, format } = column;
  checkBounds(column);
  if (categories !== undefined && type !== 'text' && type !== 'integer' && type !== 'boolean')
    throwInvalidSchema(`"${name}" has categories but is neither text nor integer`);
  if (type === 'integer' && categories?.some(value => !/^-?\d+$/.test(value)) === true)
    throwInvalidSchema(`a category of "${name}" is not an integer`);
  if (decimals !== undefined && type !== 'number')
    throwInvalidSchema(`"${name}" has decimals but is not a number`);
  if ((type === 'decimal') !== (precision !== undefined) || (type === 'decimal') !== (scale !== undefined))
    throwInvalidSchema(`"${name}" needs precision and scale if it is a decimal, and only then`);
  if ((scale ?? 0) > (precision ?? 38))
    throwInvalidSchema(`the scale of "${name}" is larger than its precision`);
  if ((type === 'timestamp') !== (zoned !== undefined) || (type === 'timestamp') !== (unit !== undefined))
    throwInvalidSchema(`"${name}" needs zoned and unit if it is a timestamp, and only then`);
  if (zoned === true && unit === 'nanosecond')
    throwInvalidSchema(`"${name}" has nanoseconds with a time zone, which is not supported`);
  if (format !== undefined && (type !== 'text' || parseFormat(format) === undefined))
    throwInvalidSchema(
      `the format of "${name}" is not made of characters, \\d, ranges and counts, or it is not text`
    );
}

/** Checks the rules that JSON Schema cannot express. */
function checkTableSchema(schema: TableSchema): TableSchema {
  const names = schema.columns.map(({ name }) => name);
  if (new Set(names).size !== names.length) throwInvalidSchema('a column is listed twice');
  schema.columns.forEach(checkColumn);
  return schema;
}

function parsed(bytes: Uint8Array): unknown {
  try {
    // JSON is a part of YAML. Aliases are not needed, and could expand to gigabytes.
    return parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes), {
      schema: 'core',
      maxAliasCount: 0,
      uniqueKeys: true
    });
  } catch (cause) {
    const reason = cause instanceof Error ? (cause.message.split('\n')[0] ?? '') : 'it is not text';
    throw new CleanRoomError('malformed', `The schema file is neither YAML nor JSON: ${reason}`, {
      remedy: 'Correct the schema file.',
      cause
    });
  }
}

/**
 * Parses a schema file in YAML or JSON.
 * @throws CleanRoomError `malformed`, with the path of the wrong field
 */
export function readSchemaFile(bytes: Uint8Array): SchemaDecisions {
  const { description, dialect, conventions, answers, columns } = checkSchema(
    SchemaFile,
    parsed(bytes),
    'schema file'
  );
  return {
    description,
    dialect: dialect ?? {},
    conventions: conventions ?? {},
    answers: answers ?? {},
    schema: columns === undefined ? undefined : checkTableSchema({ columns })
  };
}
