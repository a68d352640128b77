import { createPrivateKey, createPublicKey, sign, verify, type KeyObject } from 'node:crypto';

/** The DER encoding of a PKCS #8 key up to its 32 secret bytes (RFC 8410, section 7). */
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');

function privateKey(secret: Uint8Array): KeyObject {
  // OpenSSL would ignore further bytes.
  if (secret.length !== 32) throw new RangeError('An Ed25519 secret has 32 bytes.');
  return createPrivateKey({ key: Buffer.concat([PKCS8_PREFIX, secret]), format: 'der', type: 'pkcs8' });
}

/**
 * Node's own Ed25519 (OpenSSL), for `useEd25519` of `@clean-room/protocol/documents`. Secrets and public keys are 32 bytes,
 * signatures 64. The methods throw when OpenSSL does not offer Ed25519, as in FIPS mode.
 */
export const nodeEd25519 = {
  /** Returns the public key of a secret. */
  publicKey(secret: Uint8Array): Uint8Array {
    const { x = '' } = createPublicKey(privateKey(secret)).export({ format: 'jwk' });
    return new Uint8Array(Buffer.from(x, 'base64url'));
  },

  /** Returns the signature of `bytes`. */
  sign(secret: Uint8Array, bytes: Uint8Array): Uint8Array {
    return new Uint8Array(sign(null, bytes, privateKey(secret)));
  },

  /** Returns whether a signature is valid. */
  verify(publicKey: Uint8Array, bytes: Uint8Array, signature: Uint8Array): boolean {
    const x = Buffer.from(publicKey).toString('base64url');
    const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
    return verify(null, bytes, key, signature);
  }
};
