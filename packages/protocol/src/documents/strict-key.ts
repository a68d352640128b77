import { ED25519_TORSION_SUBGROUP } from '@noble/curves/ed25519.js';
import { hexToBytes } from '@noble/hashes/utils.js';

/** A key without the bit that is the sign of x: what is left is y, lowest byte first. */
function ofY(bytes: Uint8Array): Uint8Array {
  return bytes.map((byte, index) => (index === 31 ? byte & 0x7f : byte));
}

/** y of the points of small order: they sign anything. */
const SMALL_ORDER = new Set(ED25519_TORSION_SUBGROUP.map(point => ofY(hexToBytes(point)).join()));

/** Whether y is below 2^255 - 19, as it stands in the one spelling that a point has. */
function isReduced(y: Uint8Array): boolean {
  return y[31] !== 0x7f || y.subarray(1, 31).some(byte => byte !== 0xff) || (y[0] ?? 0) < 0xed;
}

/**
 * Whether the strict check takes a key too. A platform may take others; what it says of a signature counts for these keys
 * only, for which it is no laxer than ours: it leaves out the cofactor. A key that is no point no platform takes.
 */
export function isStrictKey(bytes: Uint8Array): boolean {
  const y = ofY(bytes);
  return isReduced(y) && !SMALL_ORDER.has(y.join());
}
