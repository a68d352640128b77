import { Type } from 'typebox';
import { TableSchema } from '@clean-room/protocol/assets';
import { checkSchema, parseStrictJson } from '@clean-room/protocol/documents';
import { CleanRoomError } from '@clean-room/protocol/errors';

/** The file of `clean-room provision --schema`: a table schema with an optional description of the dataset. */
const SchemaFile = Type.Object(
  { description: Type.Optional(Type.String({ maxLength: 4000 })), ...TableSchema.properties },
  { additionalProperties: false }
);

function throwInvalidSchema(reason: string): never {
  throw new CleanRoomError('malformed', `The schema is not valid: ${reason}.`, {
    remedy: 'Correct the schema file.'
  });
}

/** Checks the rules that JSON Schema cannot express. */
function checkTableSchema(schema: TableSchema): TableSchema {
  const names = schema.columns.map(({ name }) => name);
  if (new Set(names).size !== names.length) throwInvalidSchema('a column is listed twice');
  for (const { name, type, minimum, maximum, categories, decimals } of schema.columns) {
    const bounded = minimum !== undefined || maximum !== undefined;
    if (bounded && (type === 'text' || type === 'boolean'))
      throwInvalidSchema(`"${name}" is ${type} and cannot have bounds`);
    if (minimum !== undefined && maximum !== undefined && Number(minimum) > Number(maximum)) {
      throwInvalidSchema(`the bounds of "${name}" are in the wrong order`);
    }
    if (categories !== undefined && type !== 'text')
      throwInvalidSchema(`"${name}" has categories but is not text`);
    if (categories?.length === 0) throwInvalidSchema(`the categories of "${name}" are an empty list`);
    if (decimals !== undefined && type !== 'number')
      throwInvalidSchema(`"${name}" has decimals but is not a number`);
  }
  return schema;
}

/**
 * Parses a schema file.
 * @throws CleanRoomError `malformed`, with the path of the wrong field
 */
export function readSchemaFile(bytes: Uint8Array): { schema: TableSchema; description: string | undefined } {
  const { description, columns } = checkSchema(SchemaFile, parseStrictJson(bytes), 'schema file');
  return { schema: checkTableSchema({ columns }), description };
}
