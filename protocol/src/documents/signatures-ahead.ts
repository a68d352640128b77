import { ED25519_TORSION_SUBGROUP } from '@noble/curves/ed25519.js';
import { hexToBytes } from '@noble/hashes/utils.js';
import { fromBase64 } from '../bytes/index.js';
import { markSigned, preAuthenticationEncoding, type Envelope } from './dsse.js';
import { keyBytes, type PublicKey } from './keys.js';

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

/** Only keys that the strict check takes too: a platform may take others. One that is no point no platform takes. */
function isStrict(bytes: Uint8Array): boolean {
  const y = ofY(bytes);
  return isReduced(y) && !SMALL_ORDER.has(y.join());
}

class Verifier {
  readonly #keys = new Map<PublicKey, Promise<CryptoKey | undefined>>();

  constructor(private readonly subtle: SubtleCrypto) {}

  async holds(key: PublicKey, bytes: Uint8Array, signature: Uint8Array): Promise<boolean> {
    const imported = this.#keys.get(key) ?? this.#import(key);
    this.#keys.set(key, imported);
    const native = await imported;
    if (native === undefined) return false;
    return this.subtle.verify('Ed25519', native, own(signature), own(bytes)).catch(() => false);
  }

  async #import(key: PublicKey): Promise<CryptoKey | undefined> {
    const bytes = keyBytes(key);
    if (!isStrict(bytes)) return undefined;
    // A platform without Ed25519 refuses here.
    return this.subtle.importKey('raw', own(bytes), 'Ed25519', false, ['verify']).catch(() => undefined);
  }
}

/** WebCrypto takes no memory that others share. */
function own(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes);
}

async function check(verifier: Verifier, envelope: Envelope): Promise<void> {
  Object.freeze(envelope);
  const bytes = preAuthenticationEncoding(envelope.payloadType, fromBase64(envelope.payload));
  await Promise.all(
    envelope.signatures.map(async ({ keyid, sig }) => {
      if (await verifier.holds(keyid, bytes, fromBase64(sig))) markSigned(envelope, keyid);
    })
  );
}

/**
 * Checks all signatures of envelopes at once with the platform's own Ed25519, which is many times faster than ours. Opening
 * such an envelope then need not check again what held; what did not, or could not be checked here, is checked there as
 * ever. The platform's check is no laxer than ours: it leaves out the cofactor, and sees only keys that ours takes.
 */
export async function checkSignaturesAhead(envelopes: readonly Envelope[]): Promise<void> {
  const { subtle } = (globalThis as { crypto?: Partial<Crypto> }).crypto ?? {};
  if (subtle === undefined) return;
  const verifier = new Verifier(subtle);
  // What is no envelope says so when it is opened.
  await Promise.allSettled(envelopes.map(envelope => check(verifier, envelope)));
}
