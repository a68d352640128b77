import { sql, type Kysely } from 'kysely';
import { Migrator, type Migration } from 'kysely/migration';
import type { PgBoss } from 'pg-boss';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { openPglite } from './pglite.js';
import { openPostgres } from './postgres.js';

/**
 * A database of one role. The same SQL (PostgreSQL 15) runs on both kinds; `bigint` is read as a number, `bytea` as
 * Uint8Array. Rules that keep both alike: inside a transaction use its own `trx` for everything (PGlite has one
 * connection and would wait for itself), and never catch an SQL error inside one (use `on conflict`).
 */
export interface Database<DB> {
  readonly kind: 'pglite' | 'postgresql';
  readonly db: Kysely<DB>;
  /** A job queue in the same database, not yet started. */
  createQueue(onError: (error: Error) => void): PgBoss;
  /** Resolves when the database answers. */
  ping(): Promise<void>;
  close(): Promise<void>;
}

export interface DatabaseOptions {
  /** `pglite:<folder>` for a database in this process, or `postgres://…`. */
  readonly url: string;
  /** By name; they run in the order of their names, once. */
  readonly migrations: Readonly<Record<string, Migration>>;
}

async function migrate(db: Kysely<unknown>, migrations: Readonly<Record<string, Migration>>): Promise<void> {
  const migrator = new Migrator({ db, provider: { getMigrations: async () => ({ ...migrations }) } });
  const { error } = await migrator.migrateToLatest();
  if (error !== undefined) {
    throw new CleanRoomError(
      'unavailable',
      'The database could not be brought to this version of the program.',
      {
        remedy: 'Start the version that wrote it, or restore a backup.',
        cause: error
      }
    );
  }
}

/**
 * Opens the database and brings its tables to this version.
 * @throws CleanRoomError `conflict` when another process holds a PGlite folder, `unavailable` when it can't be opened
 */
export async function openDatabase<DB>({ url, migrations }: DatabaseOptions): Promise<Database<DB>> {
  const driver = url.startsWith('pglite:')
    ? await openPglite(url.slice('pglite:'.length))
    : openPostgres(url);
  try {
    await migrate(driver.db, migrations);
  } catch (error) {
    await driver.close();
    throw error;
  }
  return {
    kind: driver.kind,
    db: driver.db as Kysely<DB>,
    createQueue: driver.createQueue,
    ping: async () => void (await sql`select 1`.execute(driver.db)),
    close: driver.close
  };
}
