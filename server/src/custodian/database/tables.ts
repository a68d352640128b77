import type { Generated } from 'kysely';
import type { SpendState } from '@clean-room/api/custodian';

/** An approval that was shown to a reviewer. The passkey signs exactly these bytes. */
export interface DraftRow {
  id: string;
  submission: string;
  revision: number;
  reviewer: string;
  /** The bytes of the approval. */
  payload: Uint8Array;
  created_at: Date;
  used_at: Date | null;
}

/** An approval that this custodian has signed. */
export interface ApprovalRow {
  /** The digest of the approval's signed bytes. */
  digest: string;
  submission: string;
  revision: number;
  spec_digest: string;
  image_digest: string;
  /** The root key of the submitter's party when the reviewer approved. */
  submitter_root_key: string;
  runs: number;
  spare_starts: number;
  expires_at: Date;
  reviewer: string;
  unattended: boolean;
  /** The size of the log when the approval was given. No attempt may be shown an older log. */
  tree_size: number;
  /** The approval bundle as JSON text. */
  bundle: string;
  approved_at: Date;
  /** The time when the coordinator accepted it. */
  delivered_at: Date | null;
  revoked_at: Date | null;
}

/** An attempt that keys were or will be released to. A row counts, regardless of how the attempt ends. */
export interface AttemptRow {
  approval_digest: string;
  attempt_key: string;
  number: number;
  counted_at: Date;
}

/** A key release that was signed, by the digest of its request. */
export interface KeyReleaseRow {
  request_digest: string;
  approval_digest: string;
  /** The signed envelope as JSON text. */
  envelope: string;
  released_at: Date;
}

/** The newest statement that this custodian is ready to release keys, by the digest of the request. */
export interface ReadyRow {
  request_digest: string;
  approval_digest: string;
  /** The signed envelope as JSON text. */
  envelope: string;
  expires_at: Date;
}

/** The newest roster of a party that this custodian has seen. */
export interface RosterRow {
  party: string;
  version: number;
  /** The signed envelope as JSON text. */
  envelope: string;
}

/** The newest list of revoked kernel images of a release key that this custodian has seen. */
export interface RevocationsRow {
  signer: string;
  version: number;
  /** The signed envelope as JSON text. */
  envelope: string;
}

/** The newest tree head of the coordinator's log that this custodian has verified. The table has one row. */
export interface TreeHeadRow {
  singleton: Generated<boolean>;
  log_key: string;
  size: number;
  root: string;
}

/** A reviewer who is signed in. */
export interface SessionRow {
  /** SHA-256 of the cookie's value. */
  token_hash: string;
  person: string;
  csrf_token: string;
  expires_at: Date;
}

/** A random value that a browser's passkey must sign. */
export interface ChallengeRow {
  id: string;
  purpose: 'enrol' | 'sign-in';
  challenge: string;
  person: string | null;
  created_at: Date;
}

/** A passkey that becomes valid when the root key has signed a roster that lists it. */
export interface EnrolmentRow {
  credential_id: string;
  person: string;
  /** The passkey as JSON text. */
  passkey: string;
  enrolled_at: Date;
}

/** A signed request of a steward that was used. */
export interface StewardNonceRow {
  nonce: string;
  /** The time until which the request could be used again. */
  until: Date;
}

/** A version of a dataset whose number was given out, by the id of the request to publish it. */
export interface PublicationRow {
  id: string;
  dataset: string;
  version: number;
  /** The ledger entry of its stand-in. Each entry is for one stand-in. */
  reservation: string | null;
}

/** Privacy that was reserved, spent or returned for a stand-in. Amounts are decimal text. */
export interface PrivacySpendRow {
  number: Generated<number>;
  id: string;
  dataset: string;
  unit: string;
  rho: string;
  epsilon: string;
  delta: string;
  state: SpendState;
  /** The id of the steward in the party's roster. */
  steward: string;
  changed_at: Date;
}

/** The tables of a custodian's database. */
export interface CustodianTables {
  draft: DraftRow;
  approval: ApprovalRow;
  attempt: AttemptRow;
  key_release: KeyReleaseRow;
  ready: ReadyRow;
  roster: RosterRow;
  revocations: RevocationsRow;
  tree_head: TreeHeadRow;
  session: SessionRow;
  challenge: ChallengeRow;
  enrolment: EnrolmentRow;
  steward_nonce: StewardNonceRow;
  /** One row, which is locked while version numbers and privacy are given out. */
  provisioning_lock: { singleton: Generated<boolean> };
  publication: PublicationRow;
  privacy_spend: PrivacySpendRow;
}
