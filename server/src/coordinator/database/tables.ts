import type { ColumnType, Generated } from 'kysely';
import type { ApprovalBundle } from '@clean-room/protocol/approvals';
import type { Digest } from '@clean-room/protocol/bytes';
import type { AttemptKey, Envelope } from '@clean-room/protocol/documents';
import type { LogProof } from '@clean-room/protocol/log';
import type { KeyRequestMessage, MailboxReply } from '@clean-room/protocol/key-release';
import type { TeeEnd } from '../backends/backend.js';
import type { DecisionState, RevisionState, RunFailure, RunState } from '@clean-room/protocol/runs';
import type { CoordinatorEvent, Reason, RunCost } from '@clean-room/api/coordinator';

/** JSON columns are written as text, because both drivers would convert a JavaScript array to an SQL array. */
type Json<T> = ColumnType<T, string, string>;
type JsonOrNull<T> = ColumnType<T | null, string | null, string | null>;

/** A log entry that has no index yet. */
export interface OutboxEntry {
  readonly subject: string;
  readonly subject_id: string;
  readonly state: string;
  /** The bytes of the entry, in base64. */
  readonly bytes: string;
}

/** An event that has no number yet. */
export interface EventDraft {
  /** The parties that receive the event. */
  readonly parties: readonly string[];
  readonly data: CoordinatorEvent;
}

/**
 * The tables of the coordinator, as {@link COORDINATOR_MIGRATIONS} creates them. Digests are `sha256:<hex>`, keys are base64url.
 */
export interface CoordinatorTables {
  /** Every known party. Its root key never changes. */
  party: { name: string; root_key: string };
  roster: { party: string; version: number; digest: Digest; envelope: Json<Envelope>; published_at: Date };
  collaboration: { digest: Digest; name: string; envelope: Json<Envelope>; published_at: Date };
  collaboration_member: { collaboration: Digest; party: string };
  asset_version: {
    digest: Digest;
    asset: string;
    provider: string;
    version: number;
    envelope: Json<Envelope>;
    sealed_digest: Digest;
    stand_in_digest: Digest;
    published_at: Date;
  };
  policy: {
    digest: Digest;
    asset: string;
    version: number;
    /** The collaboration that the policy names. Its members see the asset. */
    collaboration: Digest;
    envelope: Json<Envelope>;
    published_at: Date;
  };
  /** The newest version of each asset, with its newest policy. */
  asset: {
    name: string;
    provider: string;
    version_digest: Digest;
    policy_digest: Digest;
    published_at: Date;
    withdrawn_at: Date | null;
  };
  /** Parties that may read an object. */
  object_grant: { digest: Digest; party: string; granted_at: Date };
  submission: { id: string; party: string; created_at: Date; updated_at: Date };
  revision: {
    submission: string;
    number: number;
    state: RevisionState;
    reason: JsonOrNull<Reason>;
    spec: Uint8Array;
    spec_digest: Digest;
    submission_request: Json<Envelope>;
    collaboration_digest: Digest;
    kernel_image_digest: Digest;
    image_digest: Digest;
    image_manifest: Uint8Array;
    image_config: Uint8Array;
    purpose: string;
    notebook: string;
    assets: Json<string[]>;
    simulated: boolean;
    submitted_by: string;
    submitted_at: Date;
    updated_at: Date;
    /** The earliest end of its policies and of its collaboration. */
    expires_at: Date;
  };
  decision: {
    submission: string;
    revision: number;
    provider: string;
    custodian_key: string;
    state: DecisionState;
    reason: JsonOrNull<Reason>;
    decided_by: string | null;
    decided_at: Date | null;
    approval: JsonOrNull<ApprovalBundle>;
    approval_digest: Digest | null;
    /** Numbers of runs and of spare starts that the approval grants. */
    runs: number | null;
    spare_starts: number | null;
    expires_at: Date | null;
  };
  comment: {
    id: string;
    submission: string;
    revision: number;
    party: string;
    person: string;
    text: string;
    created_at: Date;
  };
  run: {
    id: string;
    submission: string;
    revision: number;
    state: RunState;
    reason: JsonOrNull<Reason>;
    failure: JsonOrNull<RunFailure>;
    simulated: boolean;
    requested_by: JsonOrNull<{ party: string; person: string }>;
    cell: number | null;
    cells: number | null;
    created_at: Date;
    started_at: Date | null;
    ended_at: Date | null;
    history: Json<{ state: RunState; at: string; reason?: Reason }[]>;
    /** The cost of its attempts that have ended. */
    cost: JsonOrNull<RunCost>;
  };
  attempt: {
    id: string;
    run: string;
    /** The key that the supervisor registered. All its later requests are proven with the secret that belongs to it. */
    attempt_key: AttemptKey | null;
    /** Sequence number, proof and answer of the supervisor's newest request. */
    sequence: Generated<number>;
    request_mac: string | null;
    answer: JsonOrNull<unknown>;
    /** Grows with every change of the attempt's mailbox. */
    mailbox_version: Generated<number>;
    created_at: Date;
    started_at: Date | null;
    /** Start of the run's present state. Time limits count from here. */
    run_state_since: Date;
    /** The notebook's time limit in seconds, since the TEE was started. */
    wall_seconds: number | null;
    /** The machine that it was planned for, with the price at that time. */
    machine: JsonOrNull<{ name: string; dollarsPerHour?: number }>;
    /** The time since when the backend does not know the attempt's TEE, which may be a short gap. */
    unknown_since: Date | null;
    /** Set when the attempt ended without results. At most one attempt of a run has not ended. */
    ended_at: Date | null;
    end_reason: TeeEnd | null;
  };
  /** Images of revisions that are in the registry or are being published. */
  published_image: {
    digest: Digest;
    /** Whether the image is being removed. It is not published again before that has ended. */
    removing: boolean;
    /** Earliest time of the next removal. */
    remove_after: Date;
  };
  /** Work that only one process does at a time. */
  lease: { name: string; holder: string; until: Date };
  /** Objects that an attempt may upload. "Stored" are those whose length and digest were verified. */
  job_object: { attempt: string; digest: Digest; bytes: number; stored: boolean };
  key_request: {
    digest: Digest;
    attempt: string;
    provider: string;
    custodian_key: string;
    message: Json<KeyRequestMessage>;
    /** How often the custodian has asked for a token. */
    tokens_wanted: Generated<number>;
    token: string | null;
    /** The custodian's newest statement that it is ready. */
    ready: JsonOrNull<Envelope>;
    reply: JsonOrNull<MailboxReply>;
    created_at: Date;
    replied_at: Date | null;
  };
  result: {
    run: string;
    run_statement: Uint8Array;
    run_statement_digest: Digest;
    attestation_token: string;
    key_releases: Json<Envelope[]>;
    output_digest: Digest;
    /** Keys of the custodians that must review the outputs. */
    reviewing_custodians: Json<string[]>;
    received_at: Date;
  };
  output_release: { run: string; provider: string; envelope: Json<Envelope>; released_at: Date };
  /**
   * Receipts without the proof of the log, which is saved when the end of the run has its number in the log.
   */
  receipt: { run: string; bytes: Uint8Array; log: JsonOrNull<LogProof> };
  idempotency: {
    caller: string;
    key: string;
    request_hash: string;
    response: JsonOrNull<unknown>;
    created_at: Generated<Date>;
  };
  /**
   * One row. The transaction that locks it is the only writer of the log and of events.
   */
  counters: { id: number; log_size: number; last_event: number };
  /**
   * Log entries and events of committed transactions that have no numbers yet. They get them in the order of `id`.
   */
  outbox: {
    id: Generated<number>;
    created_at: Date;
    entries: Json<OutboxEntry[]>;
    events: Json<EventDraft[]>;
  };
  log_entry: { index: number; subject: string; subject_id: string; state: string; bytes: Uint8Array };
  /** Hashes of all perfect subtrees. Node (level, index) covers the leaves index·2^level to (index+1)·2^level − 1. */
  log_node: { level: number; index: number; hash: Uint8Array };
  event: { id: number; parties: Json<string[]>; data: Json<CoordinatorEvent>; created_at: Generated<Date> };
}
