import { ApiError } from './api-error.js';

/**
 * Parses a request's body.
 *
 * @param fields - the names of the fields that it may have; without it all
 * @throws ApiError 400 if it is not a JSON object, or has another field
 */
export function parseJson(body: Buffer, fields?: readonly string[]): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(body.toString());
  } catch {
    throw new ApiError(400, 'parseError', 'Invalid JSON payload received. Unexpected token.');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new ApiError(400, 'parseError', 'Invalid JSON payload received. The root must be an object.');
  }
  const unknown = Object.keys(value).find(name => fields?.includes(name) === false);
  if (unknown !== undefined) {
    throw new ApiError(
      400,
      'badRequest',
      `Invalid JSON payload received. Unknown name "${unknown}": Cannot find field.`
    );
  }
  return value as Record<string, unknown>;
}
