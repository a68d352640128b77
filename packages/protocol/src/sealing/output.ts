import { concat } from '../bytes/encoding.js';
import { digestOf, type Digest } from '../bytes/digest.js';
import type { Recipient } from '../documents/keys.js';
import { CleanRoomError } from '../errors/index.js';
import { openWith, openWithFileKey, sealTo } from './age.js';

const SALT_BYTES = 32;
const LENGTH_BYTES = 8;

/**
 * Returns the next Padmé size (Nikitin et al., PETS 2019). A size reveals O(log log length) bits of the length, and is at most
 * 12 % larger than the length.
 *
 * @param length - in bytes
 */
export function padmeSize(length: number): number {
  if (length < 2) return length;
  const exponent = Math.floor(Math.log2(length));
  const significant = Math.floor(Math.log2(exponent)) + 1;
  const step = 2 ** Math.max(0, exponent - significant);
  return Math.ceil(length / step) * step;
}

/**
 * Returns the salt (32 random bytes), the length (8 bytes, big-endian), the content, and zeros up to a Padmé size, so that
 * neither digest nor size reveals the content.
 *
 * @throws CleanRoomError `malformed` when the salt is not 32 bytes long
 */
export function padContent(content: Uint8Array, salt: Uint8Array): Uint8Array {
  if (salt.length !== SALT_BYTES) throw new CleanRoomError('malformed', 'The salt must be 32 bytes long.');
  const length = new Uint8Array(LENGTH_BYTES);
  new DataView(length.buffer).setBigUint64(0, BigInt(content.length));
  const unpadded = SALT_BYTES + LENGTH_BYTES + content.length;
  return concat(salt, length, content, new Uint8Array(padmeSize(unpadded) - unpadded));
}

/**
 * Returns the content of padded bytes.
 *
 * @throws CleanRoomError `malformed` when length, size or padding are not as {@link padContent} writes them
 */
export function unpadContent(padded: Uint8Array): Uint8Array {
  const start = SALT_BYTES + LENGTH_BYTES;
  if (padded.length < start) throw invalidPadding();
  const length = new DataView(padded.buffer, padded.byteOffset).getBigUint64(SALT_BYTES);
  const end = start + Number(length);
  if (length > BigInt(padded.length) || padmeSize(end) !== padded.length) throw invalidPadding();
  if (padded.subarray(end).some(byte => byte !== 0)) throw invalidPadding();
  return padded.slice(start, end);
}

function invalidPadding(): CleanRoomError {
  return new CleanRoomError('malformed', 'The opened output is not padded correctly.');
}

/** A sealed output: an age file and its digest. */
export interface SealedOutput {
  readonly bytes: Uint8Array;
  readonly digest: Digest;
}

/**
 * Pads and seals one output to the recipients, and then to each reviewing custodian in turn. The recipients cannot open it until
 * every one of these custodians has released the key of its layer in an output release.
 *
 * @param reviewers - the recipients of the reviewing custodians, the innermost layer first
 *
 * @example
 * ```ts
 * import { fromUtf8, utf8 } from '@clean-room/protocol/bytes';
 * import { openOutput, sealOutput } from '@clean-room/protocol/sealing';
 * import { generateX25519Identity, identityToRecipient } from 'age-encryption';
 *
 * const identity = await generateX25519Identity();
 * const sealed = await sealOutput(utf8('42'), [await identityToRecipient(identity)], []);
 * console.log(fromUtf8(await openOutput(sealed.bytes, identity, []))); // 42
 * ```
 */
export async function sealOutput(
  content: Uint8Array,
  recipients: readonly Recipient[],
  reviewers: readonly Recipient[]
): Promise<SealedOutput> {
  const salt = crypto.getRandomValues(new Uint8Array(SALT_BYTES));
  let bytes = await sealTo(recipients, padContent(content, salt));
  for (const reviewer of reviewers) bytes = await sealTo([reviewer], bytes);
  return { bytes, digest: digestOf(bytes) };
}

/**
 * Opens an output that {@link sealOutput} sealed.
 *
 * @param identity - the age identity of a recipient
 * @param layerKeys - the file keys that the custodians released, the outermost layer first
 * @returns the content
 * @throws CleanRoomError `key-release-refused`, `forbidden` or `malformed`
 */
export async function openOutput(
  sealed: Uint8Array,
  identity: string,
  layerKeys: readonly Uint8Array[]
): Promise<Uint8Array> {
  let bytes = sealed;
  for (const fileKey of layerKeys) bytes = await openWithFileKey(fileKey, bytes);
  return unpadContent(await openWith(identity, bytes));
}
