import { ED25519_TORSION_SUBGROUP, ed25519 } from '@noble/curves/ed25519.js';
import { hexToBytes } from '@noble/hashes/utils.js';

/**
 * Ed25519 (RFC 8032) as a platform provides it. Secrets and public keys are 32 bytes, signatures 64. A method may throw when
 * the platform does not support the operation; the portable implementation is then used.
 */
export interface Ed25519Provider {
  /** Returns the public key of a secret. */
  publicKey(secret: Uint8Array): Uint8Array;
  /** Returns the signature of `bytes`. */
  sign(secret: Uint8Array, bytes: Uint8Array): Uint8Array;
  /** Returns whether a signature is valid. It is called only for keys that pass {@link isStrictKey}. */
  verify(publicKey: Uint8Array, bytes: Uint8Array, signature: Uint8Array): boolean;
}

let provider: Ed25519Provider | undefined;

/**
 * Makes this package use a platform's own Ed25519, which is many times faster than the portable implementation in
 * JavaScript. The results are the same. A program calls this once, when it starts; without it, the portable implementation
 * is used.
 *
 * @example
 * ```ts
 * import { nodeEd25519 } from '@clean-room/node-support';
 * import { useEd25519 } from '@clean-room/protocol/documents';
 *
 * useEd25519(nodeEd25519);
 * ```
 */
export function useEd25519(platform: Ed25519Provider): void {
  provider = platform;
}

/** Returns `undefined` when no provider is installed, or it cannot do the operation. */
function tryProvider<T>(operation: (provider: Ed25519Provider) => T): T | undefined {
  if (provider === undefined) return undefined;
  try {
    return operation(provider);
  } catch {
    return undefined;
  }
}

/**
 * Returns the public key (32 bytes) of a secret.
 *
 * @throws RangeError when the secret is not 32 bytes long
 */
export function ed25519PublicKey(secret: Uint8Array): Uint8Array {
  return tryProvider(platform => platform.publicKey(secret)) ?? ed25519.getPublicKey(secret);
}

/**
 * Returns the signature (64 bytes) of `bytes`. It is deterministic.
 *
 * @throws RangeError when the secret is not 32 bytes long
 */
export function ed25519Sign(secret: Uint8Array, bytes: Uint8Array): Uint8Array {
  return tryProvider(platform => platform.sign(secret, bytes)) ?? ed25519.sign(bytes, secret);
}

/**
 * Returns whether a signature is valid under strict RFC 8032 verification: keys of small order and alternative encodings
 * of keys and signatures are refused. A positive result of the platform is final. Every other result comes from the portable
 * implementation, so that it is the same on all platforms.
 */
export function ed25519Verify(publicKey: Uint8Array, bytes: Uint8Array, signature: Uint8Array): boolean {
  try {
    if (
      isStrictKey(publicKey) &&
      tryProvider(platform => platform.verify(publicKey, bytes, signature)) === true
    )
      return true;
    return ed25519.verify(signature, bytes, publicKey, { zip215: false });
  } catch {
    // A key or signature that does not encode a point of the curve makes the signature invalid. It is not an error of this program.
    return false;
  }
}

/** Clears the bit that holds the sign of x. What remains is y, in little-endian byte order. */
function yCoordinate(publicKey: Uint8Array): Uint8Array {
  return publicKey.map((byte, index) => (index === 31 ? byte & 0x7f : byte));
}

/** The y coordinates of the points of small order. Some signatures are valid under such a key for every message. */
const SMALL_ORDER = new Set(ED25519_TORSION_SUBGROUP.map(point => yCoordinate(hexToBytes(point)).join()));

/** Returns whether y is below 2^255 - 19, so that it is the only encoding of its point. */
function isReduced(y: Uint8Array): boolean {
  return y[31] !== 0x7f || y.subarray(1, 31).some(byte => byte !== 0xff) || (y[0] ?? 0) < 0xed;
}

/**
 * Returns whether strict verification can accept signatures by a key. Platforms may accept other keys too, so their result
 * counts only for these keys. For these a platform is not more lenient than the portable implementation, because it verifies
 * without the cofactor. A key that is not a point on the curve is rejected by every platform.
 */
export function isStrictKey(publicKey: Uint8Array): boolean {
  const y = yCoordinate(publicKey);
  return isReduced(y) && !SMALL_ORDER.has(y.join());
}
