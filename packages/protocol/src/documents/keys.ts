import { ed25519 } from '@noble/curves/ed25519.js';
import { Type, type Static } from 'typebox';
import { fromBase64Url, toBase64Url } from '../bytes/encoding.js';
import { CleanRoomError } from '../errors/index.js';
import { nativePublicKey, nativeSign, nativeVerify } from './native-ed25519.js';
import { isStrictKey } from './strict-key.js';

/** An Ed25519 public key: `ed25519:` and 43 base64url characters. */
export const PublicKey = Type.String({ pattern: '^ed25519:[A-Za-z0-9_-]{43}$' });
export type PublicKey = Static<typeof PublicKey>;

/** An age recipient (X25519), as every `age` tool prints it. */
export const Recipient = Type.String({ pattern: '^age1[02-9ac-hj-np-z]{58}$' });
export type Recipient = Static<typeof Recipient>;

/** An X25519 public key that a supervisor makes afresh for one attempt: `x25519:` and 43 base64url characters. */
export const AttemptKey = Type.String({ pattern: '^x25519:[A-Za-z0-9_-]{43}$' });
export type AttemptKey = Static<typeof AttemptKey>;

export interface SigningKey {
  /** 32 secret bytes. */
  readonly secret: Uint8Array;
  readonly publicKey: PublicKey;
}

export function publicKeyFromBytes(bytes: Uint8Array): PublicKey {
  return `ed25519:${toBase64Url(bytes)}`;
}

/** The 32 bytes of a key written as {@link PublicKey} or {@link AttemptKey}. */
export function keyBytes(key: PublicKey | AttemptKey): Uint8Array {
  const bytes = fromBase64Url(key.slice(key.indexOf(':') + 1));
  if (bytes.length !== 32) throw new CleanRoomError('malformed', 'A public key is not 32 bytes long.');
  return bytes;
}

export function signingKey(secret: Uint8Array): SigningKey {
  const native = nativePublicKey(secret);
  const publicKey =
    native === undefined ? publicKeyFromBytes(ed25519.getPublicKey(secret)) : `ed25519:${native}`;
  return { secret, publicKey };
}

export function generateSigningKey(): SigningKey {
  return signingKey(ed25519.utils.randomSecretKey());
}

export function signBytes(key: SigningKey, bytes: Uint8Array): Uint8Array {
  return nativeSign(key.secret, bytes) ?? ed25519.sign(bytes, key.secret);
}

/**
 * Strict RFC 8032 verification: keys of small order and other spellings of a signature are refused. A platform that has
 * Ed25519 says yes many times faster; any other answer is ours, the same everywhere.
 */
export function verifyBytes(key: PublicKey, bytes: Uint8Array, signature: Uint8Array): boolean {
  try {
    const point = keyBytes(key);
    if (isStrictKey(point) && nativeVerify(toBase64Url(point), bytes, signature) === true) return true;
    return ed25519.verify(signature, bytes, point, { zip215: false });
  } catch {
    // A key or signature that is no curve point is a signature that does not hold, not a fault of ours.
    return false;
  }
}
