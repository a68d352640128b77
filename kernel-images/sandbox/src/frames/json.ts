import { CleanRoomError } from '@clean-room/protocol/errors';

/** A value that JSON can represent. */
export type JsonValue =
  null | boolean | number | string | readonly JsonValue[] | { readonly [key: string]: JsonValue };

/** The maximum nesting depth of arrays and objects in a frame. */
const MAX_DEPTH = 64;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPENING = new Set([0x5b, 0x7b]);
const CLOSING = new Set([0x5d, 0x7d]);

const strictText = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Returns the position after the string that begins at `start`, or the length of `bytes` if the string has no end. */
function skipString(bytes: Uint8Array, start: number): number {
  for (let at = bytes.indexOf(QUOTE, start + 1); at >= 0; at = bytes.indexOf(QUOTE, at + 1)) {
    let backslashes = 0;
    while (bytes[at - 1 - backslashes] === BACKSLASH) backslashes++;
    if (backslashes % 2 === 0) return at + 1;
  }
  return bytes.length;
}

function isTooDeep(bytes: Uint8Array): boolean {
  let depth = 0;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at] ?? 0;
    if (byte === QUOTE) at = skipString(bytes, at) - 1;
    else if (OPENING.has(byte) && ++depth > MAX_DEPTH) return true;
    else if (CLOSING.has(byte)) depth--;
  }
  return false;
}

/**
 * Parses untrusted JSON. The nesting depth is checked before any value is created.
 *
 * @param bytes - strict UTF-8 without a byte order mark, at most 64 levels deep
 * @throws CleanRoomError `malformed` when the bytes are not UTF-8, not JSON or nested too deeply
 */
export function parseFrameJson(bytes: Uint8Array): unknown {
  if (isTooDeep(bytes)) throw new CleanRoomError('malformed', 'The frame is nested too deeply.');
  try {
    return JSON.parse(strictText.decode(bytes));
  } catch (cause) {
    throw new CleanRoomError('malformed', 'The frame is not JSON in UTF-8.', { cause });
  }
}

/**
 * Copies parsed JSON. In the copy, all strings are well-formed Unicode, and `__proto__` keys are left out.
 *
 * @param value - part of a result of {@link parseFrameJson}, so its depth is bounded
 * @throws CleanRoomError `malformed` when the value holds something that JSON cannot represent
 */
export function copyJson(value: unknown): JsonValue {
  if (value === null || typeof value === 'boolean' || typeof value === 'number') return value;
  if (typeof value === 'string') return value.toWellFormed();
  if (Array.isArray(value)) return value.map(copyJson);
  if (typeof value !== 'object')
    throw new CleanRoomError('malformed', 'The frame contains a value that is not JSON.');
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => key !== '__proto__')
      .map(([key, item]): [string, JsonValue] => [key.toWellFormed(), copyJson(item)])
  );
}
