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

/** An Ed25519 key that signs, wherever it is kept. */
export interface Signer {
  readonly publicKey: PublicKey;
  /** Returns an Ed25519 signature. */
  sign(bytes: Uint8Array): Promise<Uint8Array>;
}

/**
 * A custodian's two keys and the only two operations that use them. The embedded implementation stores the keys in a folder;
 * with a key management service, both operations take place in that service.
 */
export interface KeyStore extends Signer {
  /** The key that verifies policies, asset versions, approvals, key releases and output releases. */
  readonly publicKey: PublicKey;
  /** The age recipient that datasets are sealed to. */
  readonly recipient: Recipient;
  /**
   * Returns the key of one age file that is sealed to this custodian. It opens only that file.
   *
   * @param header - the file's text header including its MAC line; bytes after it are ignored
   * @throws CleanRoomError `forbidden` when the file is not sealed to this custodian
   */
  fileKeyOf(header: Uint8Array): Promise<Uint8Array>;
}

/** A document and its signed envelope. */
export interface Signed<T> extends ReadDocument<T> {
  readonly envelope: Envelope;
}

/** Signs a document. */
export async function signDocument<S extends TSchema>(
  keys: Signer,
  kind: DocumentKind<S>,
  value: Static<S>
): Promise<Signed<Static<S>>> {
  const read = kind.read(kind.write(value));
  return { ...read, envelope: await signPayload(keys, kind.payloadType, read.bytes) };
}

/** Signs bytes that were written earlier, such as an approval that a reviewer has seen. */
export async function signPayload(keys: Signer, payloadType: string, payload: Uint8Array): Promise<Envelope> {
  const signature = await keys.sign(preAuthenticationEncoding(payloadType, payload));
  return {
    payloadType,
    payload: toBase64(payload),
    signatures: [{ keyid: keys.publicKey, sig: toBase64(signature) }]
  };
}
