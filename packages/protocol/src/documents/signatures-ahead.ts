import { fromBase64 } from '../bytes/encoding.js';
import { markSigned, preAuthenticationEncoding, type Envelope } from './dsse.js';
import { keyBytes, type PublicKey } from './keys.js';
import { isStrictKey } from './ed25519.js';

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
    if (!isStrictKey(bytes)) return undefined;
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
 * ever. It sees only keys for which it is no laxer than ours.
 */
export async function checkSignaturesAhead(envelopes: readonly Envelope[]): Promise<void> {
  const { subtle } = crypto as Partial<Crypto>;
  if (subtle === undefined) return;
  const verifier = new Verifier(subtle);
  // What is no envelope says so when it is opened.
  await Promise.allSettled(envelopes.map(envelope => check(verifier, envelope)));
}
