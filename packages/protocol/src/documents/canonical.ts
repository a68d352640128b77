import canonicalize from 'canonicalize';
import { CleanRoomError } from '../errors/index.js';
import { equalBytes, utf8 } from '../bytes/encoding.js';
import { parseStrictJson, type Json } from './json.js';

/** The one spelling of a value (RFC 8785). */
export function canonicalJson(value: unknown): Uint8Array {
  const text = canonicalize(value);
  if (text === undefined) throw new CleanRoomError('malformed', 'The value can not be written as JSON.');
  return utf8(text);
}

/** Reads canonical JSON and refuses every other spelling of the same value. */
export function parseCanonicalJson(bytes: Uint8Array): Json {
  const value = parseStrictJson(bytes);
  if (!equalBytes(canonicalJson(value), bytes)) {
    throw new CleanRoomError('malformed', 'The document is not in canonical form (RFC 8785).');
  }
  return value;
}
