import { Type, type Static } from 'typebox';
import { defineDocument, type ReadDocument } from '../documents/document.js';
import { Envelope } from '../documents/dsse.js';
import { Base64, Closed, Count, DigestField, Timestamp } from '../documents/fields.js';
import { AttemptKey, keyBytes, PublicKey } from '../documents/keys.js';
import { ApprovalBundle } from '../approvals/approval.js';
import { hashFromDigest, labelledHash } from '../bytes/digest.js';
import { toBase64Url } from '../bytes/encoding.js';
import { SandboxProfile } from '../policies/policy.js';
import { TreeHead } from '../log/log.js';
import { HpkeCiphertext } from './hpke-ciphertext.js';

/** A supervisor's request to one custodian for file keys. The attestation token that is sent with it binds these bytes. */
export const KeyRequest = defineDocument(
  'key-request',
  1,
  Closed({
    format: Type.Literal('clean-room.key-request/v1'),
    custodian: PublicKey,
    image: DigestField,
    spec: DigestField,
    attemptKey: AttemptKey,
    sandboxProfile: SandboxProfile,
    /** Digest of the signed bytes of the approval that permits the request. */
    approval: DigestField,
    /**
     * The roster version and tree head that the supervisor received. Neither may be older than the approval, and the head must
     * be a prefix of the log that the custodian knows, which other runs extend all the time.
     */
    rosterVersion: Count,
    logHead: TreeHead
  })
);
export type KeyRequest = Static<typeof KeyRequest.schema>;

/**
 * A key request as it is posted to the mailbox. The token over it follows when the custodian asks for it, so that waiting for
 * a custodian takes no tokens.
 */
export const KeyRequestMessage = Closed({
  /** The request's bytes. */
  request: Base64,
  /** The documents that the custodian needs and does not have. */
  spec: Base64,
  approval: ApprovalBundle,
  collaboration: Envelope
});
export type KeyRequestMessage = Static<typeof KeyRequestMessage>;

/** The custodian's signed answer: the file key of each asset version, sealed to the attempt key. */
export const KeyReleaseAnswer = defineDocument(
  'key-release',
  1,
  Closed({
    format: Type.Literal('clean-room.key-release/v1'),
    custodian: PublicKey,
    /** Digest of the request's bytes. */
    request: DigestField,
    attemptKey: AttemptKey,
    /** The number of this attempt among all starts that the approval grants, from 1. */
    attempt: Type.Integer({ minimum: 1, maximum: 2000 }),
    assets: Type.Array(Closed({ version: DigestField, fileKey: HpkeCiphertext }), {
      minItems: 1,
      maxItems: 64
    }),
    rosterVersion: Count,
    logHead: TreeHead,
    releasedAt: Timestamp
  })
);
export type KeyReleaseAnswer = Static<typeof KeyReleaseAnswer.schema>;

/**
 * The reply to a request in the mailbox: the signed {@link KeyReleaseAnswer}, or the custodian's refusal as one of the error
 * codes. A refusal is not signed, because a hostile mailbox can stop a run in any case.
 */
export const MailboxReply = Type.Union([
  Closed({ answer: Envelope }),
  Closed({ refused: Type.String({ pattern: '^[a-z-]{1,40}$' }) })
]);
export type MailboxReply = Static<typeof MailboxReply>;

/** The attestation token over a key request, which the supervisor takes when the custodian asks for it. */
export const KeyRequestToken = Closed({ token: Type.String({ minLength: 1, maxLength: 32_768 }) });
export type KeyRequestToken = Static<typeof KeyRequestToken>;

/** The mailbox of one attempt, as its supervisor sees it. */
export const Mailbox = Closed({
  /** Grows with every change. */
  version: Count,
  requests: Type.Array(
    Closed({
      request: DigestField,
      /** How often the custodian has asked for a token so far. */
      tokensWanted: Count,
      reply: Type.Optional(MailboxReply)
    }),
    { maxItems: 64 }
  )
});
export type Mailbox = Static<typeof Mailbox>;

/** The maximum age of a token in seconds. An older token does not prove that the attempt is still running. */
export const KEY_REQUEST_TOKEN_SECONDS = 300;

/** Returns the audience of the token for a key request. It names one custodian, so that no other accepts the token. */
export function keyRequestAudience(custodian: PublicKey): string {
  return `clean-room:custodian:v1:${custodian}`;
}

/** Returns the nonce of the token for a key request: H(label, custodian key, spec digest, attempt key, request). */
export function keyRequestNonce(request: ReadDocument<KeyRequest>): string {
  const { custodian, spec, attemptKey } = request.value;
  return toBase64Url(
    labelledHash(
      'clean-room:key-request:v1',
      keyBytes(custodian),
      hashFromDigest(spec),
      keyBytes(attemptKey),
      request.bytes
    )
  );
}
