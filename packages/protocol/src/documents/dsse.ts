import { Type, type Static } from 'typebox';
import { concat, fromBase64, toBase64, utf8 } from '../bytes/encoding.js';
import { CleanRoomError } from '../errors/index.js';
import { signBytes, verifyBytes, type PublicKey, type SigningKey } from './keys.js';

const BASE64 = '^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$';

/** A DSSE envelope (secure-systems-lab/dsse v1): the very bytes that were signed, and who signed them. */
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

/** DSSE pre-authentication encoding: what is signed, and what a passkey's challenge is the SHA-256 of. */
export function preAuthenticationEncoding(payloadType: string, payload: Uint8Array): Uint8Array {
  const type = utf8(payloadType);
  return concat(utf8(`DSSEv1 ${type.length} ${payloadType} ${payload.length} `), payload);
}

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

/** Who was found to have signed an envelope, before it is opened. */
const signed = new WeakMap<Envelope, Set<PublicKey>>();

/** Notes a signature that was checked over exactly this envelope, which can't change any more: it is frozen. */
export function markSigned(envelope: Readonly<Envelope>, signer: PublicKey): void {
  signed.set(envelope, (signed.get(envelope) ?? new Set()).add(signer));
}

/** @throws CleanRoomError as {@link openEnvelope} */
export function requireSigned(
  envelope: Envelope,
  payloadType: string,
  signers: readonly [PublicKey, ...PublicKey[]]
): void {
  if (envelope.payloadType !== payloadType) {
    throw new CleanRoomError('malformed', `Expected a ${payloadType}, got a ${envelope.payloadType}.`);
  }
  const unchecked = signers.filter(signer => signed.get(envelope)?.has(signer) !== true);
  if (unchecked.length === 0) return;
  const bytes = preAuthenticationEncoding(payloadType, fromBase64(envelope.payload));
  for (const signer of unchecked) {
    const held = envelope.signatures.some(
      ({ keyid, sig }) => keyid === signer && verifyBytes(signer, bytes, fromBase64(sig))
    );
    if (!held)
      throw new CleanRoomError('signature-invalid', `The ${payloadType} is not signed by ${signer}.`);
  }
}

/**
 * The payload of an envelope that every one of `signers` has signed. Signatures by others neither help nor harm.
 * @throws CleanRoomError `signature-invalid` when one is missing or does not hold, `malformed` for another type
 */
export function openEnvelope(
  envelope: Envelope,
  payloadType: string,
  signers: readonly [PublicKey, ...PublicKey[]]
): Uint8Array {
  requireSigned(envelope, payloadType, signers);
  return fromBase64(envelope.payload);
}
