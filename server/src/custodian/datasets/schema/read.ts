import { Type } from 'typebox';
import { TableSchema } from '@clean-room/protocol/assets';
import { checkSchema, parseStrictJson } from '@clean-room/protocol/documents';
import { CleanRoomError } from '@clean-room/protocol/errors';

/** The schema file of `clean-room provision --schema`: a table schema with an optional description of the dataset. */
export const SchemaFile = Type.Object(
  { description: Type.Optional(Type.String({ maxLength: 4000 })), ...TableSchema.properties },
  { additionalProperties: false }
);

function refuse(reason: string): never {
  throw new CleanRoomError('malformed', `The schema is not sound: ${reason}.`, {
    remedy: 'Correct the schema file.'
  });
}

/** Checks what the schema of schemas can't say. @throws CleanRoomError `malformed` */
export function checkTableSchema(schema: TableSchema): TableSchema {
  const names = schema.columns.map(({ name }) => name);
  if (new Set(names).size !== names.length) refuse('a column stands twice');
  for (const { name, type, minimum, maximum, categories, decimals } of schema.columns) {
    const bounded = minimum !== undefined || maximum !== undefined;
    if (bounded && (type === 'text' || type === 'boolean'))
      refuse(`"${name}" is ${type} and can not have bounds`);
    if (minimum !== undefined && maximum !== undefined && Number(minimum) > Number(maximum)) {
      refuse(`the bounds of "${name}" are the wrong way round`);
    }
    if (categories !== undefined && type !== 'text') refuse(`"${name}" has categories but is not text`);
    if (categories?.length === 0) refuse(`the categories of "${name}" are an empty list`);
    if (decimals !== undefined && type !== 'number') refuse(`"${name}" has decimals but is not a number`);
  }
  return schema;
}

/** @throws CleanRoomError `malformed` with the place that is wrong */
export function readSchemaFile(bytes: Uint8Array): { schema: TableSchema; description: string | undefined } {
  const { description, columns } = checkSchema(SchemaFile, parseStrictJson(bytes), 'schema file');
  return { schema: checkTableSchema({ columns }), description };
}
