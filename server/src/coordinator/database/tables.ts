import type { ColumnType, Generated } from 'kysely';
import type { ApprovalBundle } from '@clean-room/protocol/approvals';
import type { Digest } from '@clean-room/protocol/bytes';
import type { Envelope } from '@clean-room/protocol/documents';
import type { KeyRequestMessage, MailboxReply } from '@clean-room/protocol/key-release';
import type { DecisionState, RevisionState, RunFailure, RunState } from '@clean-room/protocol/runs';
import type { CoordinatorEvent, Reason } from '@clean-room/api/coordinator';

/** JSON is written as text: both drivers would take a JavaScript array for an SQL one. */
type Json<T> = ColumnType<T, string, string>;
type JsonOrNull<T> = ColumnType<T | null, string | null, string | null>;

export interface CoordinatorTables {
  /** A party's name stands for one root key, for good. */
  party: { name: string; root_key: string };
  roster: { party: string; version: number; digest: Digest; envelope: Json<Envelope>; at: Date };
  collaboration: { digest: Digest; name: string; envelope: Json<Envelope>; at: Date };
  collaboration_member: { collaboration: Digest; party: string };
  collaboration_asset: { collaboration: Digest; asset: string };
  asset_version: {
    digest: Digest;
    asset: string;
    party: string;
    version: number;
    envelope: Json<Envelope>;
    sealed: Digest;
    stand_in: Digest;
    at: Date;
  };
  policy: { digest: Digest; asset: string; version: number; envelope: Json<Envelope>; at: Date };
  /** What a newcomer is shown: the newest version of each asset, under its newest policy. */
  asset: { name: string; party: string; version: Digest; policy: Digest; at: Date };
  /** Which party may read an object. */
  object_grant: { digest: Digest; party: string; at: Date };
  submission: { id: string; party: string; created_at: Date; updated_at: Date };
  revision: {
    submission: string;
    number: number;
    state: RevisionState;
    reason: JsonOrNull<Reason>;
    spec: Uint8Array;
    spec_digest: Digest;
    request: Json<Envelope>;
    collaboration: Digest;
    kernel_image: Digest;
    image: Digest;
    image_manifest: Uint8Array;
    image_config: Uint8Array;
    purpose: string;
    notebook: string;
    assets: Json<string[]>;
    simulated: boolean;
    submitted_by: string;
    submitted_at: Date;
    updated_at: Date;
    /** When the first of its policies, or the collaboration, ends. */
    ends: Date;
  };
  decision: {
    submission: string;
    revision: number;
    provider: string;
    custodian: string;
    state: DecisionState;
    reason: JsonOrNull<Reason>;
    decided_by: string | null;
    decided_at: Date | null;
    approval: JsonOrNull<ApprovalBundle>;
    approval_digest: Digest | null;
    attempts: number | null;
    expires: Date | null;
  };
  comment: {
    id: string;
    submission: string;
    revision: number;
    party: string;
    person: string;
    text: string;
    at: Date;
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
    history: Json<{ state: RunState; at: string }[]>;
  };
  attempt: {
    id: string;
    run: string;
    /** SHA-256 of the job's token; the token itself is derived, never stored. */
    job: string;
    created_at: Date;
    started_at: Date | null;
    /** When the run entered its present state: what limits of time count from. */
    since: Date;
  };
  job_object: { attempt: string; digest: Digest; bytes: number };
  key_request: {
    digest: Digest;
    attempt: string;
    party: string;
    custodian: string;
    message: Json<KeyRequestMessage>;
    reply: JsonOrNull<MailboxReply>;
    created_at: Date;
    replied_at: Date | null;
  };
  result: {
    run: string;
    statement: Uint8Array;
    statement_digest: Digest;
    token: string;
    key_releases: Json<Envelope[]>;
    output: Digest;
    reviewers: Json<string[]>;
    at: Date;
  };
  output_release: { run: string; party: string; envelope: Json<Envelope>; at: Date };
  receipt: { run: string; bytes: Uint8Array };
  idempotency: {
    caller: string;
    key: string;
    request: string;
    response: JsonOrNull<unknown>;
    at: Generated<Date>;
  };
  /** One row. Whoever holds it is the log's single writer, and events are numbered in the order of commits. */
  ledger: { id: number; log_size: number; last_event: number };
  log_entry: { index: number; subject: string; subject_id: string; state: string; bytes: Uint8Array };
  /** Hashes of all perfect subtrees: node (level, index) covers the leaves index·2^level … (index+1)·2^level − 1. */
  log_node: { level: number; index: number; hash: Uint8Array };
  event: { id: number; parties: Json<string[]>; data: Json<CoordinatorEvent>; at: Generated<Date> };
}
