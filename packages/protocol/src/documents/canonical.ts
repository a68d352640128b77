import canonicalize from 'canonicalize';
import { CleanRoomError } from '../errors/index.js';
import { equalBytes, utf8 } from '../bytes/encoding.js';
import { parseStrictJson, type Json } from './json.js';

/**
 * Returns a value as canonical JSON (RFC 8785), in UTF-8. Equal values give equal bytes.
 *
 * @throws CleanRoomError `malformed` when JSON cannot represent the value
 *
 * @example
 * ```ts
 * import { fromUtf8 } from '@clean-room/protocol/bytes';
 * import { canonicalJson } from '@clean-room/protocol/documents';
 *
 * console.log(fromUtf8(canonicalJson({ b: 1, a: ['€', true] }))); // {"a":["€",true],"b":1}
 * ```
 */
export function canonicalJson(value: unknown): Uint8Array {
  const text = canonicalize(value);
  if (text === undefined) throw new CleanRoomError('malformed', 'The value cannot be written as JSON.');
  return utf8(text);
}

/**
 * Reads canonical JSON.
 *
 * @throws CleanRoomError `malformed` when the bytes are not JSON, or not in the canonical form of their value
 */
export function parseCanonicalJson(bytes: Uint8Array): Json {
  const value = parseStrictJson(bytes);
  if (!equalBytes(canonicalJson(value), bytes)) {
    throw new CleanRoomError('malformed', 'The document is not in canonical form (RFC 8785).');
  }
  return value;
}
