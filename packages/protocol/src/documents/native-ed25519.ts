/** What is used of `node:crypto`; this package runs in browsers too, and so can't import it. */
interface NodeCrypto {
  createPrivateKey(key: { key: Uint8Array; format: 'der'; type: 'pkcs8' }): object;
  createPublicKey(key: object): { export(options: { format: 'jwk' }): { readonly x?: string } };
  sign(algorithm: null, data: Uint8Array, key: object): Uint8Array;
  verify(algorithm: null, data: Uint8Array, key: object, signature: Uint8Array): boolean;
}

interface Process {
  readonly getBuiltinModule?: (name: 'node:crypto') => NodeCrypto;
}

/** Node's own cryptography; absent in browsers. */
const crypto = (globalThis as { process?: Process }).process?.getBuiltinModule?.('node:crypto');

/** DER before the 32 secret bytes in a PKCS #8 key, RFC 8410 §7. */
const PKCS8 = Uint8Array.of(0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20);

function privateKey({ createPrivateKey }: NodeCrypto, secret: Uint8Array): object {
  // OpenSSL would leave out what follows.
  if (secret.length !== 32) throw new RangeError('An Ed25519 secret has 32 bytes.');
  const key = new Uint8Array(PKCS8.length + secret.length);
  key.set(PKCS8);
  key.set(secret, PKCS8.length);
  return createPrivateKey({ key, format: 'der', type: 'pkcs8' });
}

/** `undefined` where there is no such cryptography, or its OpenSSL is kept from Ed25519. */
function attempt<T>(work: (crypto: NodeCrypto) => T): T | undefined {
  if (crypto === undefined) return undefined;
  try {
    return work(crypto);
  } catch {
    return undefined;
  }
}

/** @returns the public key's 32 bytes in base64url; `undefined` when the platform can't tell */
export function nativePublicKey(secret: Uint8Array): string | undefined {
  return attempt(crypto => crypto.createPublicKey(privateKey(crypto, secret)).export({ format: 'jwk' }).x);
}

/** @returns the one signature that the key gives, 64 bytes; `undefined` when the platform can't tell */
export function nativeSign(secret: Uint8Array, bytes: Uint8Array): Uint8Array | undefined {
  return attempt(crypto => new Uint8Array(crypto.sign(null, bytes, privateKey(crypto, secret))));
}

/**
 * @param key the public key's 32 bytes in base64url
 * @returns `undefined` when the platform can't tell
 */
export function nativeVerify(key: string, bytes: Uint8Array, signature: Uint8Array): boolean | undefined {
  const jwk = { key: { kty: 'OKP', crv: 'Ed25519', x: key }, format: 'jwk' };
  return attempt(crypto => crypto.verify(null, bytes, crypto.createPublicKey(jwk), signature));
}
