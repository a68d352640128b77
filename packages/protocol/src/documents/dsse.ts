import { Type, type Static } from 'typebox';
import { concat, fromBase64, toBase64, utf8 } from '../bytes/encoding.js';
import { CleanRoomError } from '../errors/index.js';
import { signBytes, verifyBytes, type PublicKey, type SigningKey } from './keys.js';

const BASE64 = '^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$';

/** A DSSE envelope (secure-systems-lab/dsse v1): a payload exactly as it was signed, with the signatures and their keys. */
export const Envelope = Type.Object(
  {
    payloadType: Type.String({ minLength: 1, maxLength: 200 }),
    payload: Type.String({ pattern: BASE64, maxLength: 16_000_000 }),
    signatures: Type.Array(
      Type.Object(
        {
          keyid: Type.String({ pattern: '^ed25519:[A-Za-z0-9_-]{43}$' }),
          sig: Type.String({ pattern: BASE64, maxLength: 88 })
        },
        { additionalProperties: false }
      ),
      { minItems: 1, maxItems: 64 }
    )
  },
  { additionalProperties: false }
);
export type Envelope = Static<typeof Envelope>;

/**
 * Returns the DSSE pre-authentication encoding of a payload: the bytes that keys sign, and whose SHA-256 is the challenge of
 * a passkey.
 */
export function preAuthenticationEncoding(payloadType: string, payload: Uint8Array): Uint8Array {
  const type = utf8(payloadType);
  return concat(utf8(`DSSEv1 ${type.length} ${payloadType} ${payload.length} `), payload);
}

/**
 * Signs a payload with one or more keys.
 *
 * @param payloadType - the media type of the payload; it is signed too
 *
 * @example
 * ```ts
 * import { fromUtf8, utf8 } from '@clean-room/protocol/bytes';
 * import { generateSigningKey, openEnvelope, signEnvelope } from '@clean-room/protocol/documents';
 *
 * const key = generateSigningKey();
 * const envelope = signEnvelope('application/json', utf8('{"n":1}'), [key]);
 * console.log(fromUtf8(openEnvelope(envelope, 'application/json', [key.publicKey]))); // {"n":1}
 *
 * const stranger = generateSigningKey().publicKey;
 * try {
 *   openEnvelope(envelope, 'application/json', [stranger]);
 * } catch (error) {
 *   console.log(error.code); // signature-invalid
 * }
 * ```
 */
export function signEnvelope(
  payloadType: string,
  payload: Uint8Array,
  keys: readonly SigningKey[]
): Envelope {
  const bytes = preAuthenticationEncoding(payloadType, payload);
  return {
    payloadType,
    payload: toBase64(payload),
    signatures: keys.map(key => ({ keyid: key.publicKey, sig: toBase64(signBytes(key, bytes)) }))
  };
}

/** The keys whose signatures of an envelope were verified before the envelope is opened. */
const verifiedSigners = new WeakMap<Envelope, Set<PublicKey>>();

/** Records that a signature of this envelope was verified. The envelope must be frozen, so that it cannot change afterwards. */
export function markSigned(envelope: Readonly<Envelope>, signer: PublicKey): void {
  verifiedSigners.set(envelope, (verifiedSigners.get(envelope) ?? new Set()).add(signer));
}

/**
 * Checks the type and the signatures of an envelope.
 *
 * @throws CleanRoomError like {@link openEnvelope}
 */
export function requireSigned(
  envelope: Envelope,
  payloadType: string,
  signers: readonly [PublicKey, ...PublicKey[]]
): void {
  if (envelope.payloadType !== payloadType) {
    throw new CleanRoomError(
      'malformed',
      `The envelope contains ${envelope.payloadType}, but ${payloadType} was expected.`
    );
  }
  const unchecked = signers.filter(signer => verifiedSigners.get(envelope)?.has(signer) !== true);
  if (unchecked.length === 0) return;
  const bytes = preAuthenticationEncoding(payloadType, fromBase64(envelope.payload));
  for (const signer of unchecked) {
    const valid = envelope.signatures.some(
      ({ keyid, sig }) => keyid === signer && verifyBytes(signer, bytes, fromBase64(sig))
    );
    if (!valid)
      throw new CleanRoomError('signature-invalid', `The ${payloadType} is not signed by ${signer}.`);
  }
}

/**
 * Returns the payload of an envelope that all `signers` have signed. Signatures by other keys are ignored.
 *
 * @throws CleanRoomError `malformed` when the envelope has another payload type
 * @throws CleanRoomError `signature-invalid` when a signature is missing or invalid
 */
export function openEnvelope(
  envelope: Envelope,
  payloadType: string,
  signers: readonly [PublicKey, ...PublicKey[]]
): Uint8Array {
  requireSigned(envelope, payloadType, signers);
  return fromBase64(envelope.payload);
}
