import { Type } from 'typebox';
import { checkTableSchema, TableSchema } from '@clean-room/protocol/assets';
import { checkSchema } from '@clean-room/protocol/documents';
import { Conventions, Dialect } from '../source/dialect.js';
import { parseYaml } from '../yaml.js';

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

/**
 * Parses a schema file in YAML or JSON.
 * @throws CleanRoomError `malformed`, with the path of the wrong field or the name of the wrong column
 */
export function readSchemaFile(bytes: Uint8Array): SchemaDecisions {
  const { description, dialect, conventions, answers, columns } = checkSchema(
    SchemaFile,
    parseYaml(bytes, 'schema file'),
    'schema file'
  );
  const schema = columns === undefined ? undefined : { columns };
  if (schema !== undefined) checkTableSchema(schema);
  return {
    description,
    dialect: dialect ?? {},
    conventions: conventions ?? {},
    answers: answers ?? {},
    schema
  };
}
