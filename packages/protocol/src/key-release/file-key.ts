import { Aes256Gcm, CipherSuite, DhkemX25519HkdfSha256, HkdfSha256 } from '@hpke/core';
import { hashFromDigest, type Digest } from '../bytes/digest.js';
import { concat, fromBase64, toBase64, toBase64Url, utf8 } from '../bytes/encoding.js';
import { keyBytes, type AttemptKey } from '../documents/keys.js';
import { CleanRoomError } from '../errors/index.js';
import type { HpkeCiphertext } from './key-release.js';

const suite = (): CipherSuite =>
  new CipherSuite({ kem: new DhkemX25519HkdfSha256(), kdf: new HkdfSha256(), aead: new Aes256Gcm() });

/** Returns the HPKE info, which binds a released key to the request that it answers and the asset version that it opens. */
function info(request: Digest, assetVersion: Digest): Uint8Array<ArrayBuffer> {
  return new Uint8Array(
    concat(utf8('clean-room:file-key:v1'), hashFromDigest(request), hashFromDigest(assetVersion))
  );
}

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
 * Seals a file key to the attempt that asked for it.
 *
 * @param fileKey - the 16 bytes that open one age file
 * @param request - digest of the key request's bytes
 * @param assetVersion - digest of the asset version's signed bytes
 */
export async function sealFileKey(
  fileKey: Uint8Array,
  to: AttemptKey,
  request: Digest,
  assetVersion: Digest
): Promise<HpkeCiphertext> {
  const { kem } = suite();
  const recipientPublicKey = await kem.deserializePublicKey(owned(keyBytes(to)));
  const { enc, ct } = await suite().seal(
    { recipientPublicKey, info: info(request, assetVersion).buffer },
    owned(fileKey)
  );
  return { encapsulated: toBase64(new Uint8Array(enc)), ciphertext: toBase64(new Uint8Array(ct)) };
}

/**
 * Opens a file key that a custodian sealed with {@link sealFileKey}.
 *
 * @returns the file key, 16 bytes
 * @throws CleanRoomError `key-release-refused` when it was sealed for another attempt, request or asset version
 */
export async function openFileKey(
  sealed: HpkeCiphertext,
  key: AttemptKeyPair,
  request: Digest,
  assetVersion: Digest
): Promise<Uint8Array> {
  try {
    const opened = await suite().open(
      {
        recipientKey: key.privateKey,
        enc: owned(fromBase64(sealed.encapsulated)),
        info: info(request, assetVersion).buffer
      },
      owned(fromBase64(sealed.ciphertext))
    );
    return new Uint8Array(opened);
  } catch (cause) {
    throw new CleanRoomError(
      'key-release-refused',
      'The released key was sealed for another attempt, request or asset.',
      {
        cause
      }
    );
  }
}
