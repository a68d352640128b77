import { sql } from 'kysely';
import type { Migration } from 'kysely/migration';

const STATEMENTS_0001 = [
  `create table draft (
     id text primary key, submission text not null, revision integer not null, reviewer text not null,
     payload bytea not null, created_at timestamptz not null, used_at timestamptz)`,
  `create table approval (
     digest text primary key, submission text not null, revision integer not null, spec_digest text not null,
     image_digest text not null, submitter_root_key text not null, runs integer not null,
     spare_starts integer not null, expires_at timestamptz not null, reviewer text not null, unattended boolean not null, tree_size bigint not null,
     bundle text not null, approved_at timestamptz not null, delivered_at timestamptz, revoked_at timestamptz)`,
  `create index approval_submission on approval (submission, revision)`,
  `create table attempt (
     approval_digest text not null references approval, attempt_key text not null, number integer not null,
     counted_at timestamptz not null, primary key (approval_digest, attempt_key), unique (approval_digest, number))`,
  `create table key_release (
     request_digest text primary key, approval_digest text not null references approval, envelope text not null,
     released_at timestamptz not null)`,
  `create table ready (
     request_digest text primary key, approval_digest text not null references approval, envelope text not null,
     expires_at timestamptz not null)`,
  `create table roster (party text primary key, version integer not null, envelope text not null)`,
  `create table revocations (signer text primary key, version integer not null, envelope text not null)`,
  `create table tree_head (
     singleton boolean primary key default true check (singleton), log_key text not null, size bigint not null,
     root text not null)`,
  `create table session (
     token_hash text primary key, person text not null, csrf_token text not null, expires_at timestamptz not null)`,
  `create table challenge (
     id text primary key, purpose text not null, challenge text not null, person text,
     created_at timestamptz not null)`,
  `create table enrolment (
     credential_id text primary key, person text not null, passkey text not null, enrolled_at timestamptz not null)`,
  `create table steward_nonce (nonce text primary key, until timestamptz not null)`,
  `create table provisioning_lock (singleton boolean primary key default true check (singleton))`,
  `insert into provisioning_lock default values`,
  `create table publication (
     id text primary key, dataset text not null, version integer not null, reservation text unique,
     unique (dataset, version))`,
  `create table privacy_spend (
     number bigint generated always as identity, id text primary key, dataset text not null, unit text not null,
     rho text not null, epsilon text not null, delta text not null, state text not null, steward text not null,
     changed_at timestamptz not null)`,
  `create index privacy_spend_dataset on privacy_spend (dataset, number)`
];

/** The schema changes of a custodian's database, by version. */
export const CUSTODIAN_MIGRATIONS: Readonly<Record<string, Migration>> = {
  '0001': {
    async up(db) {
      for (const statement of STATEMENTS_0001) await sql.raw(statement).execute(db);
    }
  }
};
