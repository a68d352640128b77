import type { Static, TSchema } from 'typebox';
import { toBase64 } from '@clean-room/protocol/bytes';
import {
  preAuthenticationEncoding,
  type DocumentKind,
  type Envelope,
  type PublicKey,
  type ReadDocument,
  type Recipient
} from '@clean-room/protocol/documents';

/**
 * A custodian's two keys, behind the only two things that are ever done with them. The embedded one is a folder of
 * files; a key management service signs and unwraps elsewhere.
 */
export interface KeyStore {
  /** Signs policies, asset versions, approvals, key releases and output releases. */
  readonly publicKey: PublicKey;
  /** Datasets are sealed to it. */
  readonly recipient: Recipient;
  /** An Ed25519 signature. */
  sign(bytes: Uint8Array): Promise<Uint8Array>;
  /**
   * The key of one age file that is sealed to this custodian, and of no other file.
   * @param header the file's text header, its MAC line included; what follows may be there or not
   * @throws CleanRoomError `forbidden` when it is not sealed to this custodian
   */
  fileKeyOf(header: Uint8Array): Promise<Uint8Array>;
}

export interface Signed<T> extends ReadDocument<T> {
  readonly envelope: Envelope;
}

/** A document signed by the custodian's key. */
export async function signDocument<S extends TSchema>(
  keys: KeyStore,
  kind: DocumentKind<S>,
  value: Static<S>
): Promise<Signed<Static<S>>> {
  const read = kind.read(kind.write(value));
  return { ...read, envelope: await signPayload(keys, kind.payloadType, read.bytes) };
}

/** The envelope over bytes that were shown to a person before. */
export async function signPayload(
  keys: KeyStore,
  payloadType: string,
  payload: Uint8Array
): Promise<Envelope> {
  const signature = await keys.sign(preAuthenticationEncoding(payloadType, payload));
  return {
    payloadType,
    payload: toBase64(payload),
    signatures: [{ keyid: keys.publicKey, sig: toBase64(signature) }]
  };
}
