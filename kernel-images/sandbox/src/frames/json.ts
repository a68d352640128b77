import { CleanRoomError } from '@clean-room/protocol/errors';

export type JsonValue =
  null | boolean | number | string | readonly JsonValue[] | { readonly [key: string]: JsonValue };

/** How deep arrays and objects of a frame may lie in each other. */
export const MAX_DEPTH = 64;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPENING = new Set([0x5b, 0x7b]);
const CLOSING = new Set([0x5d, 0x7d]);

const strictText = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The position behind the string that begins at `start`, or the end of the bytes. */
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
 * Parses what a stranger wrote: strict UTF-8, and no deeper than {@link MAX_DEPTH}, which is looked at before anything
 * is built.
 *
 * @throws CleanRoomError `malformed`
 */
export function parseFrameJson(bytes: Uint8Array): unknown {
  if (isTooDeep(bytes)) throw new CleanRoomError('malformed', 'The frame is nested too deep.');
  try {
    return JSON.parse(strictText.decode(bytes));
  } catch (cause) {
    throw new CleanRoomError('malformed', 'The frame is not JSON in UTF-8.', { cause });
  }
}

/**
 * A copy with nothing in it but JSON: every text well-formed Unicode, no key that reaches a prototype.
 *
 * @param value as {@link parseFrameJson} gives it, so of bounded depth
 */
export function copyJson(value: unknown): JsonValue {
  if (value === null || typeof value === 'boolean' || typeof value === 'number') return value;
  if (typeof value === 'string') return value.toWellFormed();
  if (Array.isArray(value)) return value.map(copyJson);
  if (typeof value !== 'object')
    throw new CleanRoomError('malformed', 'The frame holds something that is not JSON.');
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => key !== '__proto__')
      .map(([key, item]): [string, JsonValue] => [key.toWellFormed(), copyJson(item)])
  );
}
