import { Type, type Static } from 'typebox';
import { ApprovalBundle } from '../approvals/approval.js';
import { Envelope } from '../documents/dsse.js';
import { Base64, Closed, Title } from '../documents/fields.js';
import { PublicKey } from '../documents/keys.js';
import { LogProof } from '../log/log.js';
import { TeeRoot } from '../policies/policy.js';

/**
 * The file that proves what ran, and that anyone can verify offline: all documents of a run, as the bytes that were signed. A
 * receipt itself is not signed, because each of its parts is signed or is named by its digest in a signed part.
 */
export const Receipt = Closed({
  format: Type.Literal('clean-room.receipt/v1'),
  /** The bytes of the run statement. */
  statement: Base64,
  /** A PKI token. It contains its certificate chain, so it can still be verified after Google has rotated its keys. */
  token: Type.String({ minLength: 1, maxLength: 32_768 }),
  /** The canonical bytes of the spec. */
  spec: Base64,
  collaboration: Envelope,
  /** The submitter's signed request, and the roster that lists the submitter. */
  request: Envelope,
  submitterRoster: Envelope,
  assets: Type.Array(Closed({ version: Envelope, policy: Envelope }), { maxItems: 64 }),
  approvals: Type.Array(ApprovalBundle, { maxItems: 64 }),
  keyReleases: Type.Array(Envelope, { maxItems: 64 }),
  outputReleases: Type.Array(Envelope, { maxItems: 64 }),
  kernelImage: Closed({ statement: Envelope, manifest: Base64, config: Base64 }),
  image: Closed({ manifest: Base64, config: Base64 }),
  /** A proof that the end of the run is an entry of the log. */
  log: Type.Optional(LogProof)
});
export type Receipt = Static<typeof Receipt>;

/** The keys and certificates that a verifier trusts. Without them, the outcome for a receipt is at best `consistent`. */
export const TrustRoots = Closed({
  format: Type.Literal('clean-room.trust-roots/v1'),
  parties: Type.Array(Closed({ title: Title, rootKey: PublicKey }), { maxItems: 1000 }),
  kernelImageSigners: Type.Array(PublicKey, { maxItems: 100 }),
  tee: Type.Array(TeeRoot, { maxItems: 100 }),
  logs: Type.Array(PublicKey, { maxItems: 100 })
});
export type TrustRoots = Static<typeof TrustRoots>;
