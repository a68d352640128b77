import type { Generated } from 'kysely';

/** What was shown to a reviewer: the very bytes that a passkey then answers for. */
export interface DraftRow {
  id: string;
  submission: string;
  revision: number;
  person: string;
  /** Bytes of the approval. */
  payload: Uint8Array;
  created_at: Date;
  used_at: Date | null;
}

export interface ApprovalRow {
  /** Digest of the approval's signed bytes. */
  digest: string;
  submission: string;
  revision: number;
  spec: string;
  image: string;
  /** Root key of the submitter's party, as it was when the reviewer saw it. */
  submitter_root: string;
  attempts: number;
  expires: Date;
  reviewer: string;
  unattended: boolean;
  /** Size of the log when it was given: no attempt may be shown an older one. */
  log_size: number;
  /** The bundle as JSON text. */
  bundle: string;
  approved_at: Date;
  /** When the coordinator took it. */
  delivered_at: Date | null;
  revoked_at: Date | null;
}

/** One attempt that keys were released to, or are just being released to: a row counts, whatever happens after. */
export interface AttemptRow {
  approval: string;
  attempt_key: string;
  number: number;
  at: Date;
}

/** An answer that was given, by the digest of its request. */
export interface AnswerRow {
  request: string;
  approval: string;
  /** The signed envelope as JSON text. */
  answer: string;
  at: Date;
}

/** The newest roster of each party that this custodian has seen. */
export interface RosterRow {
  party: string;
  version: number;
  envelope: string;
}

/** The newest head of the coordinator's log that this custodian has made sure of. */
export interface LogRow {
  one: Generated<boolean>;
  log: string;
  size: number;
  root: string;
}

export interface SessionRow {
  /** SHA-256 of the cookie's value. */
  token: string;
  person: string;
  csrf: string;
  expires_at: Date;
}

/** A challenge that a browser must answer. */
export interface ChallengeRow {
  id: string;
  purpose: 'enrol' | 'sign-in';
  challenge: string;
  person: string | null;
  created_at: Date;
}

/** A passkey that waits for the root key's signature under the roster that lists it. */
export interface EnrolmentRow {
  credential: string;
  person: string;
  /** The passkey as JSON text. */
  passkey: string;
  at: Date;
}

export interface CustodianTables {
  draft: DraftRow;
  approval: ApprovalRow;
  attempt: AttemptRow;
  answer: AnswerRow;
  roster: RosterRow;
  log_head: LogRow;
  session: SessionRow;
  challenge: ChallengeRow;
  enrolment: EnrolmentRow;
}
