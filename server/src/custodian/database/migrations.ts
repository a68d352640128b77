import { sql } from 'kysely';
import type { Migration } from 'kysely/migration';

const STATEMENTS_0001 = [
  `create table draft (
     id text primary key, submission text not null, revision integer not null, person text not null,
     payload bytea not null, created_at timestamptz not null, used_at timestamptz)`,
  `create table approval (
     digest text primary key, submission text not null, revision integer not null, spec text not null,
     image text not null, submitter_root text not null, attempts integer not null, expires timestamptz not null,
     reviewer text not null, unattended boolean not null, log_size bigint not null, bundle text not null, approved_at timestamptz not null,
     delivered_at timestamptz, revoked_at timestamptz)`,
  `create index approval_submission on approval (submission, revision)`,
  `create table attempt (
     approval text not null references approval, attempt_key text not null, number integer not null,
     at timestamptz not null, primary key (approval, attempt_key), unique (approval, number))`,
  `create table answer (
     request text primary key, approval text not null references approval, answer text not null,
     at timestamptz not null)`,
  `create table roster (party text primary key, version integer not null, envelope text not null)`,
  `create table log_head (
     one boolean primary key default true check (one), log text not null, size bigint not null,
     root text not null)`,
  `create table session (
     token text primary key, person text not null, csrf text not null, expires_at timestamptz not null)`,
  `create table challenge (
     id text primary key, purpose text not null, challenge text not null, person text,
     created_at timestamptz not null)`,
  `create table enrolment (
     credential text primary key, person text not null, passkey text not null, at timestamptz not null)`
];

export const CUSTODIAN_MIGRATIONS: Readonly<Record<string, Migration>> = {
  '0001': {
    async up(db) {
      for (const statement of STATEMENTS_0001) await sql.raw(statement).execute(db);
    }
  }
};
