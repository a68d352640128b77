import { ed25519 } from '@noble/curves/ed25519.js';
import { Type, type Static } from 'typebox';
import { fromBase64Url, toBase64Url } from '../bytes/encoding.js';
import { CleanRoomError } from '../errors/index.js';
import { ed25519PublicKey, ed25519Sign, ed25519Verify } from './ed25519.js';

/** An Ed25519 public key as text: `ed25519:` and 43 base64url characters. */
export const PublicKey = Type.String({ pattern: '^ed25519:[A-Za-z0-9_-]{43}$' });
export type PublicKey = Static<typeof PublicKey>;

/** An age recipient (X25519), as `age-keygen` prints it. */
export const Recipient = Type.String({ pattern: '^age1[02-9ac-hj-np-z]{58}$' });
export type Recipient = Static<typeof Recipient>;

/** The X25519 public key that a supervisor generates for one attempt: `x25519:` and 43 base64url characters. */
export const AttemptKey = Type.String({ pattern: '^x25519:[A-Za-z0-9_-]{43}$' });
export type AttemptKey = Static<typeof AttemptKey>;

/** An Ed25519 key pair. */
export interface SigningKey {
  /** 32 bytes. */
  readonly secret: Uint8Array;
  readonly publicKey: PublicKey;
}

/** Returns the 32 bytes of an Ed25519 public key as a {@link PublicKey}. */
export function publicKeyFromBytes(bytes: Uint8Array): PublicKey {
  return `ed25519:${toBase64Url(bytes)}`;
}

/**
 * Returns the 32 bytes of a {@link PublicKey} or {@link AttemptKey}.
 *
 * @throws CleanRoomError `malformed`
 */
export function keyBytes(key: PublicKey): Uint8Array {
  const bytes = fromBase64Url(key.slice(key.indexOf(':') + 1));
  if (bytes.length !== 32) throw new CleanRoomError('malformed', 'A public key is not 32 bytes long.');
  return bytes;
}

/**
 * Makes a signing key from its secret.
 *
 * @throws RangeError when the secret is not 32 bytes long
 */
export function signingKey(secret: Uint8Array): SigningKey {
  return { secret, publicKey: publicKeyFromBytes(ed25519PublicKey(secret)) };
}

/** Makes a new random signing key. */
export function generateSigningKey(): SigningKey {
  return signingKey(ed25519.utils.randomSecretKey());
}

/** Returns the Ed25519 signature (64 bytes) of `bytes`. */
export function signBytes(key: SigningKey, bytes: Uint8Array): Uint8Array {
  return ed25519Sign(key.secret, bytes);
}

/** Returns whether an Ed25519 signature is valid. Malformed keys and signatures are not. See {@link ed25519Verify}. */
export function verifyBytes(key: PublicKey, bytes: Uint8Array, signature: Uint8Array): boolean {
  try {
    return ed25519Verify(keyBytes(key), bytes, signature);
  } catch {
    return false;
  }
}
