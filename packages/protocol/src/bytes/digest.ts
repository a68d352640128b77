import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js';
import { CleanRoomError } from '../errors/index.js';
import { concat, utf8 } from './encoding.js';

/** `sha256:` and 64 lower-case hex digits. */
export type Digest = `sha256:${string}`;

/** The shape of an incremental SHA-256, met by @noble/hashes here and by `node:crypto` where bytes are many. */
export interface Hasher {
  update(bytes: Uint8Array): unknown;
  digest(): Uint8Array;
}

export type HasherFactory = () => Hasher;

export const pureSha256: HasherFactory = () => sha256.create();

export function isDigest(text: string): text is Digest {
  return /^sha256:[0-9a-f]{64}$/.test(text);
}

export function asDigest(text: string): Digest {
  if (!isDigest(text))
    throw new CleanRoomError('malformed', `"${text.slice(0, 80)}" is not a sha256 digest.`);
  return text;
}

export function digestFromHash(hash: Uint8Array): Digest {
  return `sha256:${bytesToHex(hash)}`;
}

export function hashFromDigest(digest: Digest): Uint8Array {
  return hexToBytes(digest.slice('sha256:'.length));
}

/** @param hasher a faster SHA-256 where there is one */
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
 * A hash over several parts: label and parts each go in behind their length (8 bytes, big-endian), so that no two
 * different lists of parts, and no two uses of the hash, ever give the same bytes.
 */
export function labelledHash(label: string, ...parts: readonly Uint8Array[]): Uint8Array {
  const pieces = [utf8(label), ...parts].flatMap(part => [lengthPrefix(part.length), part]);
  return sha256(concat(...pieces));
}
