import { Ajv } from 'ajv';
import type { FastifyInstance, FastifySchemaCompiler } from 'fastify';
import { CleanRoomError } from '@clean-room/protocol/errors';

const common = { removeAdditional: false, useDefaults: false, allErrors: false, strict: false } as const;

const NO_TEXT = 'A text in the request holds NUL, or half of a surrogate pair.';

/** Whether every text in it, keys too, is one that any database can keep: Unicode, and no NUL. */
function isText(value: unknown): boolean {
  if (typeof value === 'string') return value.isWellFormed() && !value.includes('\0');
  if (typeof value !== 'object' || value === null) return true;
  return Array.isArray(value) ? value.every(isText) : Object.entries(value).flat().every(isText);
}

/**
 * Bodies are taken as they are: an unknown field is refused, nothing is coerced or filled in. Only what comes as text
 * anyway (query, path) is read as the number or boolean that its schema asks for.
 */
export function validateStrictly(app: FastifyInstance): void {
  const exact = new Ajv({ ...common, coerceTypes: false });
  const textual = new Ajv({ ...common, coerceTypes: true });
  const compiler: FastifySchemaCompiler<object> = ({ schema, httpPart }) => {
    const validate = (httpPart === 'body' ? exact : textual).compile(schema);
    const validateText: ReturnType<FastifySchemaCompiler<object>> = value => {
      const valid = validate(value);
      validateText.errors = validate.errors ?? null;
      // Behind the schema, which lets nothing through that is nested without end.
      return valid && !isText(value) ? { error: new CleanRoomError('malformed', NO_TEXT) } : valid;
    };
    return validateText;
  };
  app.setValidatorCompiler(compiler);
}
