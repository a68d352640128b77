import { fromBase64 } from '../bytes/encoding.js';
import { markSigned, preAuthenticationEncoding, type Envelope } from './dsse.js';
import { keyBytes, type PublicKey } from './keys.js';
import { isStrictKey } from './ed25519.js';

/** Verifies signatures with WebCrypto and imports each key only once. */
class WebCryptoVerifier {
  readonly #keys = new Map<PublicKey, Promise<CryptoKey | undefined>>();

  constructor(private readonly subtle: SubtleCrypto) {}

  async isValid(key: PublicKey, bytes: Uint8Array, signature: Uint8Array): Promise<boolean> {
    const importing = this.#keys.get(key) ?? this.#import(key);
    this.#keys.set(key, importing);
    const imported = await importing;
    if (imported === undefined) return false;
    return this.subtle.verify('Ed25519', imported, unshared(signature), unshared(bytes)).catch(() => false);
  }

  async #import(key: PublicKey): Promise<CryptoKey | undefined> {
    const bytes = keyBytes(key);
    if (!isStrictKey(bytes)) return undefined;
    // This fails on a platform without Ed25519.
    return this.subtle.importKey('raw', unshared(bytes), 'Ed25519', false, ['verify']).catch(() => undefined);
  }
}

/** Returns a copy: WebCrypto does not accept a view of shared memory. */
function unshared(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes);
}

async function checkEnvelope(verifier: WebCryptoVerifier, envelope: Envelope): Promise<void> {
  Object.freeze(envelope);
  const bytes = preAuthenticationEncoding(envelope.payloadType, fromBase64(envelope.payload));
  await Promise.all(
    envelope.signatures.map(async ({ keyid, sig }) => {
      if (await verifier.isValid(keyid, bytes, fromBase64(sig))) markSigned(envelope, keyid);
    })
  );
}

/**
 * Verifies all signatures of envelopes in parallel with WebCrypto, which is many times faster than the portable Ed25519. An
 * envelope that is opened afterwards does not verify the valid signatures again. Signatures that are invalid, or that could not
 * be verified here, are verified when the envelope is opened. WebCrypto is used only for keys for which it is not more lenient
 * than the portable implementation.
 */
export async function checkSignaturesAhead(envelopes: readonly Envelope[]): Promise<void> {
  const { subtle } = crypto as Partial<Crypto>;
  if (subtle === undefined) return;
  const verifier = new WebCryptoVerifier(subtle);
  // A malformed envelope is reported when it is opened.
  await Promise.allSettled(envelopes.map(envelope => checkEnvelope(verifier, envelope)));
}
