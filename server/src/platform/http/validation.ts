import { Ajv } from 'ajv';
import type { FastifyInstance, FastifySchemaCompiler } from 'fastify';
import { CleanRoomError } from '@clean-room/protocol/errors';

const AJV_OPTIONS = { removeAdditional: false, useDefaults: false, allErrors: false, strict: false } as const;

const INVALID_TEXT = 'A text in the request contains a NUL character or an incomplete Unicode character.';

/** Returns whether all strings in a value, keys included, can be stored in any database: valid Unicode without NUL. */
function hasValidText(value: unknown): boolean {
  if (typeof value === 'string') return value.isWellFormed() && !value.includes('\0');
  if (typeof value !== 'object' || value === null) return true;
  return Array.isArray(value) ? value.every(hasValidText) : Object.entries(value).flat().every(hasValidText);
}

/**
 * Makes an application validate requests strictly. In bodies, unknown fields are refused and values are neither converted
 * nor filled in. Query and path parameters, which always arrive as text, are converted to the type in their schema.
 */
export function validateStrictly(app: FastifyInstance): void {
  const bodies = new Ajv({ ...AJV_OPTIONS, coerceTypes: false });
  const parameters = new Ajv({ ...AJV_OPTIONS, coerceTypes: true });
  const compiler: FastifySchemaCompiler<object> = ({ schema, httpPart }) => {
    const validate = (httpPart === 'body' ? bodies : parameters).compile(schema);
    const validateText: ReturnType<FastifySchemaCompiler<object>> = value => {
      const valid = validate(value);
      validateText.errors = validate.errors ?? null;
      // The text is checked after the schema, because the schema limits the depth of the value.
      return valid && !hasValidText(value) ? { error: new CleanRoomError('malformed', INVALID_TEXT) } : valid;
    };
    return validateText;
  };
  app.setValidatorCompiler(compiler);
}
