import { Type, type Static } from 'typebox';
import { concat, fromBase64, toBase64, utf8 } from '../bytes/index.js';
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

/**
 * The payload of an envelope that every one of `signers` has signed. Signatures by others neither help nor harm.
 * @throws CleanRoomError `signature-invalid` when one is missing or does not hold, `malformed` for another type
 */
export function openEnvelope(
  envelope: Envelope,
  payloadType: string,
  signers: readonly [PublicKey, ...PublicKey[]]
): Uint8Array {
  if (envelope.payloadType !== payloadType) {
    throw new CleanRoomError('malformed', `Expected a ${payloadType}, got a ${envelope.payloadType}.`);
  }
  const payload = fromBase64(envelope.payload);
  const bytes = preAuthenticationEncoding(payloadType, payload);
  for (const signer of signers) {
    const held = envelope.signatures.some(
      ({ keyid, sig }) => keyid === signer && verifyBytes(signer, bytes, fromBase64(sig))
    );
    if (!held)
      throw new CleanRoomError('signature-invalid', `The ${payloadType} is not signed by ${signer}.`);
  }
  return payload;
}
