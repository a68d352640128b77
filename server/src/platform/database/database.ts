import { sql, type Kysely } from 'kysely';
import { Migrator, type Migration } from 'kysely/migration';
import type { PgBoss } from 'pg-boss';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { openPglite } from './pglite.js';
import { openPostgres } from './postgres.js';

/**
 * The database of one role. The same SQL (PostgreSQL 15) runs on both kinds. `bigint` is read as a number, `bytea` as
 * Uint8Array. Two rules keep both kinds working: inside a transaction, use its `trx` for every query (PGlite has one
 * connection and would wait for itself), and never catch an SQL error inside a transaction (use `on conflict`).
 */
export interface Database<DB> {
  readonly kind: 'pglite' | 'postgresql';
  readonly db: Kysely<DB>;
  /** Creates a job queue in the same database, without starting it. */
  createQueue(onError: (error: Error) => void): PgBoss;
  /** Resolves when the database answers a query. */
  ping(): Promise<void>;
  close(): Promise<void>;
}

/** The database to open, and its tables. */
interface DatabaseOptions {
  /** `pglite:<folder>` for a database in this process, or `postgres://…`. */
  readonly url: string;
  /** Migrations by name. Each runs once, in the order of the names. */
  readonly migrations: Readonly<Record<string, Migration>>;
  /** Checks the database before anything in it is changed. */
  readonly check?: (db: Kysely<unknown>) => Promise<void>;
}

async function migrate(db: Kysely<unknown>, migrations: Readonly<Record<string, Migration>>): Promise<void> {
  const migrator = new Migrator({ db, provider: { getMigrations: async () => ({ ...migrations }) } });
  const { error } = await migrator.migrateToLatest();
  if (error !== undefined) {
    throw new CleanRoomError(
      'unavailable',
      'The database could not be updated for this version of the program.',
      {
        remedy: 'Start the version of the program that wrote it, or restore a backup.',
        cause: error
      }
    );
  }
}

/**
 * Opens the database and runs the migrations that it does not have yet.
 *
 * @throws CleanRoomError `malformed`, `conflict` when another process uses the PGlite folder, `unavailable` when the database
 * cannot be opened, reached or migrated, and all that `check` throws
 */
export async function openDatabase<DB>({ url, migrations, check }: DatabaseOptions): Promise<Database<DB>> {
  const driver = url.startsWith('pglite:')
    ? await openPglite(url.slice('pglite:'.length))
    : await openPostgres(url);
  try {
    await check?.(driver.db);
    await migrate(driver.db, migrations);
  } catch (error) {
    await driver.close();
    throw error;
  }
  return {
    kind: driver.kind,
    db: driver.db as Kysely<DB>,
    createQueue: onError => driver.createQueue(onError),
    ping: async () => {
      await sql`select 1`.execute(driver.db);
    },
    close: () => driver.close()
  };
}
