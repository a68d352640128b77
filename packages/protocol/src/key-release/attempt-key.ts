import { Aes256Gcm, CipherSuite, DhkemX25519HkdfSha256, HkdfSha256 } from '@hpke/core';
import { fromBase64, toBase64, toBase64Url } from '../bytes/encoding.js';
import { keyBytes, type AttemptKey } from '../documents/keys.js';
import { CleanRoomError } from '../errors/index.js';
import type { HpkeCiphertext } from './hpke-ciphertext.js';

const suite = (): CipherSuite =>
  new CipherSuite({ kem: new DhkemX25519HkdfSha256(), kdf: new HkdfSha256(), aead: new Aes256Gcm() });

/** Returns a copy in a buffer of its own, as the HPKE library requires. */
function owned(bytes: Uint8Array): ArrayBuffer {
  return new Uint8Array(bytes).buffer;
}

/** The X25519 key pair of one attempt. The private key never leaves the supervisor's memory. */
export interface AttemptKeyPair {
  readonly publicKey: AttemptKey;
  readonly privateKey: CryptoKey;
}

/** Generates the key pair of an attempt. */
export async function generateAttemptKey(): Promise<AttemptKeyPair> {
  const { kem } = suite();
  const pair = await kem.generateKeyPair();
  const raw = new Uint8Array(await kem.serializePublicKey(pair.publicKey));
  return { publicKey: `x25519:${toBase64Url(raw)}`, privateKey: pair.privateKey };
}

/**
 * Seals bytes to an attempt with HPKE.
 *
 * @param info - binds the ciphertext to its use. It opens only with the same `info`.
 */
export async function sealToAttempt(
  bytes: Uint8Array,
  to: AttemptKey,
  info: Uint8Array
): Promise<HpkeCiphertext> {
  const recipientPublicKey = await suite().kem.deserializePublicKey(owned(keyBytes(to)));
  const { enc, ct } = await suite().seal({ recipientPublicKey, info: owned(info) }, owned(bytes));
  return { encapsulated: toBase64(new Uint8Array(enc)), ciphertext: toBase64(new Uint8Array(ct)) };
}

/**
 * Opens bytes that were sealed with {@link sealToAttempt}.
 *
 * @throws CleanRoomError `key-release-refused` when they were sealed to another attempt or for another use
 */
export async function openForAttempt(
  sealed: HpkeCiphertext,
  key: AttemptKeyPair,
  info: Uint8Array
): Promise<Uint8Array> {
  const enc = owned(fromBase64(sealed.encapsulated));
  const ciphertext = owned(fromBase64(sealed.ciphertext));
  try {
    const opened = await suite().open({ recipientKey: key.privateKey, enc, info: owned(info) }, ciphertext);
    return new Uint8Array(opened);
  } catch (cause) {
    throw new CleanRoomError('key-release-refused', 'The bytes were sealed to another attempt or use.', {
      cause
    });
  }
}
