import { hmac } from '@noble/hashes/hmac.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { hashFromDigest, labelledHash, type Digest } from '../bytes/digest.js';
import { equalBytes, fromBase64Url, toBase64Url, utf8 } from '../bytes/encoding.js';
import { CleanRoomError } from '../errors/index.js';

/** The header of a supervisor's request that carries its {@link RequestProof}. */
export const PROOF_HEADER = 'clean-room-proof';

/** The parts of a request that its proof covers. */
export interface ProvenRequest {
  /** Number of the request, from 1. Each new request of an attempt has a higher number than the one before. */
  readonly sequence: number;
  readonly method: string;
  /** Path and query as they are sent, for example `/v1/jobs/01J…/mailbox?after=3`. */
  readonly path: string;
  /** Digest of the body's bytes. A request without a body has the digest of no bytes. */
  readonly body: Digest;
}

/** The proof that a request was sent by the registered attempt. */
export interface RequestProof {
  readonly sequence: number;
  /** HMAC-SHA256 with the attempt's secret, 32 bytes. */
  readonly mac: Uint8Array;
}

function macOf(secret: Uint8Array, { sequence, method, path, body }: ProvenRequest): Uint8Array {
  const number = new Uint8Array(8);
  new DataView(number.buffer).setBigUint64(0, BigInt(sequence));
  const hash = labelledHash(
    'clean-room:attempt-request:v1',
    number,
    utf8(method),
    utf8(path),
    hashFromDigest(body)
  );
  return hmac(sha256, secret, hash);
}

/** Returns the value of {@link PROOF_HEADER}: the sequence number and the HMAC as base64url, separated by a dot. */
export function proveRequest(secret: Uint8Array, request: ProvenRequest): string {
  return `${request.sequence}.${toBase64Url(macOf(secret, request))}`;
}

/**
 * Reads the value of {@link PROOF_HEADER}.
 *
 * @throws CleanRoomError `unauthenticated` when it is absent or does not have this form
 */
export function readRequestProof(header: unknown): RequestProof {
  const match = typeof header === 'string' ? /^([1-9][0-9]{0,14})\.([A-Za-z0-9_-]{43})$/.exec(header) : null;
  const [, sequence, mac] = match ?? [];
  if (sequence === undefined || mac === undefined) {
    throw new CleanRoomError(
      'unauthenticated',
      'The request does not carry the proof of a registered attempt.'
    );
  }
  return { sequence: Number(sequence), mac: fromBase64Url(mac) };
}

/** Returns whether a proof was made with this secret for this request. */
export function isProven(
  secret: Uint8Array,
  proof: RequestProof,
  request: Omit<ProvenRequest, 'sequence'>
): boolean {
  return equalBytes(proof.mac, macOf(secret, { ...request, sequence: proof.sequence }));
}
