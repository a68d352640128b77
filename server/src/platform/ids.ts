import { randomBytes } from 'node:crypto';

const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';

function base32(bytes: Uint8Array, length: number): string {
  let value = BigInt(`0x${Buffer.from(bytes).toString('hex')}`);
  let text = '';
  for (let i = 0; i < length; i++) {
    text = ALPHABET.charAt(Number(value & 31n)) + text;
    value >>= 5n;
  }
  return text;
}

/**
 * Returns a new ULID in lower case: 48 bits of time, then 80 random bits. ULIDs sort by the time of their creation.
 *
 * @param now - time of creation in milliseconds since 1970
 */
export function newId(now = Date.now()): string {
  const time = Buffer.alloc(8);
  time.writeBigUInt64BE(BigInt(now));
  return base32(time, 10) + base32(randomBytes(10), 16);
}

/** Regular expression of an id, for schemas. */
export const ID_PATTERN = '^[0-9a-hjkmnp-tv-z]{26}$';
