import { parseStrictJson } from '@clean-room/protocol/documents';
import { BadRequest } from './token-options.js';

/** Base64 of either alphabet, with or without padding. */
const BASE64 = /^(?:[A-Za-z0-9+/]*|[A-Za-z0-9_-]*)={0,2}$/;

/**
 * Returns the challenge in the body of `POST /v1/evidence`. Unlike the body of `/v1/token`, the launcher reads it with protojson,
 * which refuses unknown and repeated fields, other spellings and trailing data.
 *
 * @throws BadRequest
 */
export function readChallenge(body: string): Buffer {
  const invalid = (reason: string) => new BadRequest(`failed to decode request: proto: ${reason}`);
  let value: unknown;
  try {
    value = parseStrictJson(Buffer.from(body));
  } catch {
    throw invalid('syntax error (line 1:1): invalid value');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw invalid('syntax error (line 1:1): unexpected token');
  const unknown = Object.keys(value).find(name => name !== 'challenge');
  if (unknown !== undefined) throw invalid(`(line 1:2): unknown field ${JSON.stringify(unknown)}`);
  const challenge: unknown = 'challenge' in value ? value.challenge : '';
  if (typeof challenge !== 'string' || !BASE64.test(challenge))
    throw invalid(`(line 1:14): invalid value for bytes field challenge: ${JSON.stringify(challenge)}`);
  return Buffer.from(challenge, 'base64');
}
