import { sql } from 'kysely';
import type { Migration } from 'kysely/migration';

const STATEMENTS_0001 = [
  `create table party (name text primary key, root_key text not null)`,
  `create table roster (
     party text not null references party, version integer not null, digest text not null,
     envelope jsonb not null, published_at timestamptz not null, primary key (party, version))`,
  `create table collaboration (
     digest text primary key, name text not null, envelope jsonb not null, published_at timestamptz not null)`,
  `create table collaboration_member (
     collaboration text not null references collaboration, party text not null, primary key (party, collaboration))`,
  `create table asset_version (
     digest text primary key, asset text not null, provider text not null references party, version integer not null,
     envelope jsonb not null, sealed_digest text not null, stand_in_digest text not null,
     published_at timestamptz not null, unique (asset, version))`,
  `create index asset_version_stand_in on asset_version (stand_in_digest)`,
  `create table policy (
     digest text primary key, asset text not null, version integer not null,
     collaboration text not null references collaboration, envelope jsonb not null,
     published_at timestamptz not null, unique (asset, version))`,
  `create table asset (
     name text primary key, provider text not null references party,
     version_digest text not null references asset_version, policy_digest text not null references policy,
     published_at timestamptz not null, withdrawn_at timestamptz)`,
  `create table object_grant (
     digest text not null, party text not null, granted_at timestamptz not null, primary key (digest, party))`,
  `create table submission (
     id text primary key, party text not null references party, created_at timestamptz not null,
     updated_at timestamptz not null)`,
  `create index submission_party on submission (party, id)`,
  `create table revision (
     submission text not null references submission, number integer not null, state text not null, reason jsonb,
     spec bytea not null, spec_digest text not null, submission_request jsonb not null,
     collaboration_digest text not null, kernel_image_digest text not null, image_digest text not null,
     image_manifest bytea not null, image_config bytea not null,
     purpose text not null, notebook text not null, assets jsonb not null, simulated boolean not null,
     submitted_by text not null, submitted_at timestamptz not null, updated_at timestamptz not null,
     expires_at timestamptz not null, primary key (submission, number))`,
  `create table decision (
     submission text not null, revision integer not null, provider text not null references party,
     custodian_key text not null, state text not null, reason jsonb, decided_by text, decided_at timestamptz,
     approval jsonb, approval_digest text, runs integer, spare_starts integer, expires_at timestamptz,
     primary key (submission, revision, provider),
     foreign key (submission, revision) references revision)`,
  `create index decision_provider on decision (provider, submission)`,
  `create table comment (
     id text primary key, submission text not null, revision integer not null, party text not null,
     person text not null, text text not null, created_at timestamptz not null,
     foreign key (submission, revision) references revision)`,
  `create index comment_submission on comment (submission, id)`,
  `create table run (
     id text primary key, submission text not null, revision integer not null, state text not null, reason jsonb,
     failure jsonb, simulated boolean not null, requested_by jsonb, cell integer, cells integer,
     created_at timestamptz not null, started_at timestamptz, ended_at timestamptz, history jsonb not null,
     cost jsonb, foreign key (submission, revision) references revision)`,
  `create index run_submission on run (submission, id)`,
  `create table attempt (
     id text primary key, run text not null references run, attempt_key text, sequence bigint not null default 0,
     request_mac text, answer jsonb, mailbox_version integer not null default 0,
     created_at timestamptz not null, started_at timestamptz, run_state_since timestamptz not null,
     wall_seconds integer, machine jsonb, unknown_since timestamptz, ended_at timestamptz, end_reason text)`,
  `create index attempt_run on attempt (run)`,
  `create unique index attempt_open on attempt (run) where ended_at is null`,
  `create table lease (name text primary key, holder text not null, until timestamptz not null)`,
  `create table job_object (
     attempt text not null references attempt, digest text not null, bytes bigint not null,
     stored boolean not null, primary key (attempt, digest))`,
  `create table key_request (
     digest text primary key, attempt text not null references attempt, provider text not null,
     custodian_key text not null, message jsonb not null, tokens_wanted integer not null default 0, token text,
     ready jsonb, reply jsonb, created_at timestamptz not null, replied_at timestamptz)`,
  `create index key_request_attempt on key_request (attempt)`,
  `create index key_request_waiting on key_request (provider, created_at) where reply is null`,
  `create table result (
     run text primary key references run, run_statement bytea not null, run_statement_digest text not null,
     attestation_token text not null, key_releases jsonb not null, output_digest text not null,
     reviewing_custodians jsonb not null, received_at timestamptz not null)`,
  `create table output_release (
     run text not null references run, provider text not null, envelope jsonb not null,
     released_at timestamptz not null, primary key (run, provider))`,
  `create table receipt (run text primary key references run, bytes bytea not null)`,
  `create table idempotency (
     caller text not null, key text not null, request_hash text not null, response jsonb,
     created_at timestamptz not null default now(), primary key (caller, key))`,
  `create index idempotency_created_at on idempotency (created_at)`,
  `create table counters (id integer primary key check (id = 1), log_size bigint not null, last_event bigint not null)`,
  `insert into counters (id, log_size, last_event) values (1, 0, 0)`,
  `create table log_entry (
     index bigint primary key, subject text not null, subject_id text not null, state text not null,
     bytes bytea not null)`,
  `create index log_entry_subject on log_entry (subject, subject_id)`,
  `create table log_node (
     level integer not null, index bigint not null, hash bytea not null, primary key (level, index))`,
  `create table event (
     id bigint primary key, parties jsonb not null, data jsonb not null,
     created_at timestamptz not null default now())`,
  `create index event_created_at on event (created_at)`
];

const STATEMENTS_0002 = [
  `create table published_image (
     digest text primary key, removing boolean not null, remove_after timestamptz not null)`,
  `create index revision_image on revision (image_digest)`
];

const STATEMENTS_0003 = [
  `create table outbox (
     id bigint generated always as identity primary key, created_at timestamptz not null,
     entries jsonb not null, events jsonb not null)`,
  `alter table receipt add column log jsonb`,
  `update receipt set log = convert_from(bytes, 'UTF8')::jsonb -> 'log'`
];

const STATEMENTS_0004 = [
  `create index revision_open_expiry on revision (expires_at) where state in ('submitted', 'approved')`,
  `create index decision_approved_expiry on decision (expires_at) where state = 'approved'`
];

/** Creates the tables of {@link CoordinatorTables}. After the first release, changes are further migrations. */
export const COORDINATOR_MIGRATIONS: Readonly<Record<string, Migration>> = {
  // A database that an earlier draft created has recorded a migration of another name, so it is refused.
  '0001-initial': {
    up: async db => {
      for (const statement of STATEMENTS_0001) await sql.raw(statement).execute(db);
    }
  },
  '0002-published-images': {
    up: async db => {
      for (const statement of STATEMENTS_0002) await sql.raw(statement).execute(db);
    }
  },
  '0003-outbox': {
    up: async db => {
      for (const statement of STATEMENTS_0003) await sql.raw(statement).execute(db);
    }
  },
  '0004-expiry': {
    up: async db => {
      for (const statement of STATEMENTS_0004) await sql.raw(statement).execute(db);
    }
  }
};
