import { concat } from '../bytes/encoding.js';
import { CleanRoomError } from '../errors/index.js';

const SALT_BYTES = 32;
const LENGTH_BYTES = 8;

/**
 * The next Padmé size (Nikitin et al., PETS 2019): leaks O(log log length) bits of the length and adds 12 % at most.
 * @param length in bytes
 */
export function padmeSize(length: number): number {
  if (length < 2) return length;
  const exponent = Math.floor(Math.log2(length));
  const significant = Math.floor(Math.log2(exponent)) + 1;
  const step = 2 ** Math.max(0, exponent - significant);
  return Math.ceil(length / step) * step;
}

/** salt (32 random bytes), length (8 bytes, big-endian), content, zeros: neither digest nor size tells the content. */
export function padContent(content: Uint8Array, salt: Uint8Array): Uint8Array {
  if (salt.length !== SALT_BYTES) throw new CleanRoomError('malformed', 'The salt must be 32 bytes long.');
  const length = new Uint8Array(LENGTH_BYTES);
  new DataView(length.buffer).setBigUint64(0, BigInt(content.length));
  const bare = SALT_BYTES + LENGTH_BYTES + content.length;
  return concat(salt, length, content, new Uint8Array(padmeSize(bare) - bare));
}

/** @throws CleanRoomError `malformed` when length, size or padding are not what {@link padContent} writes */
export function unpadContent(padded: Uint8Array): Uint8Array {
  const refuse = (): never => {
    throw new CleanRoomError('malformed', 'The opened output is not padded as outputs are.');
  };
  const start = SALT_BYTES + LENGTH_BYTES;
  if (padded.length < start) refuse();
  const length = new DataView(padded.buffer, padded.byteOffset).getBigUint64(SALT_BYTES);
  const end = start + Number(length);
  if (length > BigInt(padded.length) || padmeSize(end) !== padded.length) refuse();
  if (padded.subarray(end).some(byte => byte !== 0)) refuse();
  return padded.slice(start, end);
}
