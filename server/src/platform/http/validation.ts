import { Ajv, type ValidateFunction } from 'ajv';
import type { FastifyInstance, FastifySchemaCompiler } from 'fastify';

const common = { removeAdditional: false, useDefaults: false, allErrors: false, strict: false } as const;

/**
 * Bodies are taken as they are: an unknown field is refused, nothing is coerced or filled in. Only what comes as text
 * anyway (query, path) is read as the number or boolean that its schema asks for.
 */
export function validateStrictly(app: FastifyInstance): void {
  const exact = new Ajv({ ...common, coerceTypes: false });
  const textual = new Ajv({ ...common, coerceTypes: true });
  const compiler: FastifySchemaCompiler<object> = ({ schema, httpPart }): ValidateFunction =>
    (httpPart === 'body' ? exact : textual).compile(schema);
  app.setValidatorCompiler(compiler);
}
