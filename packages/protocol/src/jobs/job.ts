import { Type, type Static } from 'typebox';
import { Envelope } from '../documents/dsse.js';
import { Closed, DigestField } from '../documents/fields.js';
import { ApprovalBundle } from '../approvals/approval.js';
import { TreeHead } from '../log/log.js';

const Url = Type.String({ pattern: '^https?://', maxLength: 2000 });

/**
 * The document at the address in `CLEAN_ROOM_JOB`. It is not trusted: every document in it is signed, every object is named by
 * digest in a signed document, and the supervisor trusts nothing else in it.
 */
export const JobDocument = Closed({
  format: Type.Literal('clean-room.job/v1'),
  collaboration: Envelope,
  assets: Type.Array(
    Closed({
      version: Envelope,
      policy: Envelope,
      /** Address of the sealed bytes. */
      sealed: Url
    }),
    { maxItems: 64 }
  ),
  /** One approval by each provider of the spec. */
  approvals: Type.Array(ApprovalBundle, { maxItems: 64 }),
  kernelImage: Envelope,
  /** The roster, signed by its party's root key, that lists the submitter. Policies allow parties, not keys. */
  submitterRoster: Envelope,
  /** The newest tree head that the coordinator knows. Custodians refuse a head that is older than the approval. */
  logHead: TreeHead,
  /** Address to which the supervisor posts key requests, and from which it reads the answers. */
  mailbox: Url,
  /** Address to which it reports progress: a state and a cell number, nothing else. */
  progress: Url,
  /** Address to which it sends the sealed outputs, and the run statement with its token. */
  results: Url
});
export type JobDocument = Static<typeof JobDocument>;

/** A message that the supervisor posts to `progress`. */
export const JobProgress = Type.Union([
  Closed({ phase: Type.Literal('awaiting-keys') }),
  Closed({
    phase: Type.Literal('running'),
    cell: Type.Integer({ minimum: 0, maximum: 100_000 }),
    cells: Type.Integer({ minimum: 0, maximum: 100_000 })
  }),
  /** The run cannot continue, and nothing left the TEE. `reason` is one of the error codes. */
  Closed({ phase: Type.Literal('stopped'), reason: Type.String({ pattern: '^[a-z-]{1,40}$' }) })
]);
export type JobProgress = Static<typeof JobProgress>;

/** The last message of an attempt, which the supervisor posts to `results` after the sealed objects. */
export const JobResult = Closed({
  statement: Type.String({ maxLength: 16_000_000 }),
  token: Type.String({ maxLength: 32_768 }),
  keyReleases: Type.Array(Envelope, { maxItems: 64 }),
  outputs: Type.Array(DigestField, { minItems: 1, maxItems: 100 })
});
export type JobResult = Static<typeof JobResult>;
