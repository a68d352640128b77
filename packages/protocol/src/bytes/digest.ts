import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js';
import { CleanRoomError } from '../errors/index.js';
import { concat, utf8 } from './encoding.js';

/** A SHA-256 digest as text: `sha256:` and 64 lower-case hexadecimal digits. */
export type Digest = `sha256:${string}`;

/** An incremental SHA-256. Both `@noble/hashes` and `node:crypto` have this interface. */
export interface Hasher {
  update(bytes: Uint8Array): unknown;
  digest(): Uint8Array;
}

/** A function that starts a new SHA-256. */
export type HasherFactory = () => Hasher;

/** Starts a SHA-256 that does not depend on the platform. */
export const pureSha256: HasherFactory = () => sha256.create();

/** Returns whether a text has the form of a {@link Digest}. */
export function isDigest(text: string): text is Digest {
  return /^sha256:[0-9a-f]{64}$/.test(text);
}

/**
 * Returns a text as a {@link Digest}.
 *
 * @throws CleanRoomError `malformed` when the text is not a digest
 */
export function asDigest(text: string): Digest {
  if (!isDigest(text))
    throw new CleanRoomError('malformed', `"${text.slice(0, 80)}" is not a SHA-256 digest.`);
  return text;
}

/** Returns the 32 bytes of a SHA-256 hash as a {@link Digest}. */
export function digestFromHash(hash: Uint8Array): Digest {
  return `sha256:${bytesToHex(hash)}`;
}

/** Returns the 32 bytes of a digest. */
export function hashFromDigest(digest: Digest): Uint8Array {
  return hexToBytes(digest.slice('sha256:'.length));
}

/**
 * Returns the SHA-256 digest of bytes.
 *
 * @param hasher - a faster SHA-256, where the platform has one
 *
 * @example
 * ```ts
 * import { digestOf, utf8 } from '@clean-room/protocol/bytes';
 *
 * console.log(digestOf(utf8('hello')).slice(0, 23)); // sha256:2cf24dba5fb0a30e
 * ```
 */
export function digestOf(bytes: Uint8Array, hasher: HasherFactory = pureSha256): Digest {
  const hash = hasher();
  hash.update(bytes);
  return digestFromHash(hash.digest());
}

function lengthPrefix(length: number): Uint8Array {
  const prefix = new Uint8Array(8);
  new DataView(prefix.buffer).setBigUint64(0, BigInt(length));
  return prefix;
}

/**
 * Returns the SHA-256 hash (32 bytes) of several parts. The label and each part are hashed after their length (8 bytes,
 * big-endian), so that two different lists of parts, or two uses of the hash, never give the same input.
 *
 * @param label - names the use of the hash, with a version
 */
export function labelledHash(label: string, ...parts: readonly Uint8Array[]): Uint8Array {
  const pieces = [utf8(label), ...parts].flatMap(part => [lengthPrefix(part.length), part]);
  return sha256(concat(...pieces));
}
