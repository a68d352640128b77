import { Type, type TProperties, type TObject } from 'typebox';
import { CleanRoomError } from '../errors/index.js';

/** A SHA-256 digest: `sha256:` and 64 lower-case hexadecimal digits. */
export const DigestField = Type.Unsafe<`sha256:${string}`>(Type.String({ pattern: '^sha256:[0-9a-f]{64}$' }));
/** A time in UTC, to the second: `2026-11-20T12:04:00Z`. */
export const Timestamp = Type.String({ pattern: '^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}Z$' });
/** A party's short name: the part of an asset's name before the slash. */
export const PartyName = Type.String({ pattern: '^[a-z0-9][a-z0-9-]{0,38}$' });
/** An asset's name: `party/dataset`. */
export const AssetName = Type.String({ pattern: '^[a-z0-9][a-z0-9-]{0,38}/[a-z0-9][a-z0-9_-]{0,62}$' });
/** A person's id in their party's roster. */
export const PersonId = Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9._@-]{0,126}$' });
/** Sentences for people. Plain text, never rendered as markup. */
export const Text = Type.String({ maxLength: 4000 });
/**
 * One line for people. It has no control characters, line ends or marks that change the direction of text, so that it
 * cannot look like another text.
 */
export const Title = Type.String({
  minLength: 1,
  maxLength: 200,
  pattern: '^[^\\u0000-\\u001f\\u007f-\\u009f\\u2028\\u2029\\u202a-\\u202e\\u2066-\\u2069]*$'
});
/** A number of things, from 0. */
export const Count = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
/** A number of bytes, from 0. */
export const ByteCount = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
/** Bytes as standard base64 with padding. */
export const Base64 = Type.String({
  pattern: '^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$'
});

/** Returns the schema of an object that has no other fields than these. */
export function Closed<P extends TProperties>(properties: P): TObject<P> {
  return Type.Object<P>(properties, { additionalProperties: false });
}

/**
 * Returns the time of a {@link Timestamp}.
 *
 * @throws CleanRoomError `malformed` for a date that does not exist, such as 31 February, which the pattern allows
 */
export function fromTimestamp(timestamp: string): Date {
  const date = new Date(timestamp);
  if (Number.isNaN(date.getTime()) || toTimestamp(date) !== timestamp) {
    throw new CleanRoomError('malformed', `"${timestamp.slice(0, 40)}" is not a valid time.`);
  }
  return date;
}

/** Returns a time as a {@link Timestamp}, rounded down to the second. */
export function toTimestamp(date: Date): string {
  return `${date.toISOString().slice(0, 19)}Z`;
}
