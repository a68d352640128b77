import { Type, type TProperties, type TObject } from 'typebox';
import { CleanRoomError } from '../errors/index.js';

/** Fields that several documents share, written once. */
export const DigestField = Type.Unsafe<`sha256:${string}`>(Type.String({ pattern: '^sha256:[0-9a-f]{64}$' }));
/** UTC to the second: `2026-11-20T12:04:00Z`. */
export const Timestamp = Type.String({ pattern: '^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}Z$' });
/** A party's short name: what stands before the slash of a dataset's name. */
export const PartyName = Type.String({ pattern: '^[a-z0-9][a-z0-9-]{0,38}$' });
/** `party/dataset`. */
export const AssetName = Type.String({ pattern: '^[a-z0-9][a-z0-9-]{0,38}/[a-z0-9][a-z0-9_-]{0,62}$' });
export const PersonId = Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9._@-]{0,126}$' });
/** Sentences for people. Plain text: no line of it is ever rendered as markup. */
export const Text = Type.String({ maxLength: 4000 });
/** One line for people, as it reads: no control character, other line end or mark that turns text around. */
export const Title = Type.String({
  minLength: 1,
  maxLength: 200,
  pattern: '^[^\\u0000-\\u001f\\u007f-\\u009f\\u2028\\u2029\\u202a-\\u202e\\u2066-\\u2069]*$'
});
export const Count = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
export const ByteCount = Count;
export const Base64 = Type.String({
  pattern: '^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$'
});

/** An object that refuses fields it does not know. */
export function Closed<P extends TProperties>(properties: P): TObject<P> {
  return Type.Object(properties, { additionalProperties: false }) as TObject<P>;
}

/** The moment a {@link Timestamp} names. The pattern allows a 31 February; this does not. */
export function fromTimestamp(timestamp: string): Date {
  const date = new Date(timestamp);
  if (Number.isNaN(date.getTime()) || toTimestamp(date) !== timestamp) {
    throw new CleanRoomError('malformed', `"${timestamp.slice(0, 40)}" is not a moment in time.`);
  }
  return date;
}

/** Cuts to the second. */
export function toTimestamp(date: Date): string {
  return `${date.toISOString().slice(0, 19)}Z`;
}
