import { Type, type Static } from 'typebox';
import { Envelope } from '../documents/dsse.js';
import { Closed, DigestField } from '../documents/fields.js';
import { ApprovalBundle } from '../approvals/approval.js';
import { TreeHead } from '../log/log.js';

const Url = Type.String({ pattern: '^https?://', maxLength: 2000 });

/**
 * What `CLEAN_ROOM_JOB` names. It says where things are, never what they are: every document in it is signed, every
 * object is named by digest in something signed, and the supervisor believes nothing else.
 */
export const JobDocument = Closed({
  format: Type.Literal('clean-room.job/v1'),
  collaboration: Envelope,
  assets: Type.Array(
    Closed({
      version: Envelope,
      policy: Envelope,
      /** Where the sealed bytes lie. */
      sealed: Url
    }),
    { maxItems: 64 }
  ),
  /** One for each provider of the spec. */
  approvals: Type.Array(ApprovalBundle, { maxItems: 64 }),
  kernelImage: Envelope,
  /** The roster, signed by its party's root key, that lists the submitter: policies are open to parties, not to keys. */
  submitterRoster: Envelope,
  /** The newest log head the coordinator knows; custodians refuse one older than their own. */
  logHead: TreeHead,
  /** Where the supervisor leaves key requests and finds answers. */
  mailbox: Url,
  /** Where it says how far it is: a state and a cell number, nothing else. */
  progress: Url,
  /** Where sealed outputs and the run statement with its token go. */
  results: Url
});
export type JobDocument = Static<typeof JobDocument>;

/** What the supervisor posts to `progress`. */
export const JobProgress = Type.Union([
  Closed({ phase: Type.Literal('awaiting-keys') }),
  Closed({
    phase: Type.Literal('running'),
    cell: Type.Integer({ minimum: 0, maximum: 100_000 }),
    cells: Type.Integer({ minimum: 0, maximum: 100_000 })
  }),
  /** The run can't go on; nothing left the TEE. `reason` is one of the closed error codes. */
  Closed({ phase: Type.Literal('stopped'), reason: Type.String({ pattern: '^[a-z-]{1,40}$' }) })
]);
export type JobProgress = Static<typeof JobProgress>;

/** What the supervisor posts to `results` last, after the sealed objects: this ends the attempt. */
export const JobResult = Closed({
  statement: Type.String({ maxLength: 16_000_000 }),
  token: Type.String({ maxLength: 32_768 }),
  keyReleases: Type.Array(Envelope, { maxItems: 64 }),
  outputs: Type.Array(DigestField, { minItems: 1, maxItems: 100 })
});
export type JobResult = Static<typeof JobResult>;
