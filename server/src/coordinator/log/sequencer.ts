import type { Transaction } from 'kysely';
import { CleanRoomError } from '@clean-room/protocol/errors';
import type { Database } from '../../platform/database/database.js';
import type { CoordinatorTables } from '../database/tables.js';
import { appendRecords, lockCounters, type Counters, type Records } from './append.js';
import type { Log } from './log.js';

/** Maximum number of transactions whose entries and events are numbered in one commit. */
const BATCH = 500;

/**
 * Gives log entries and events their numbers. A transaction saves them in the outbox, so that they exist if and only if it
 * commits. One process at a time then numbers those of all committed transactions in one commit. No transaction waits for the
 * lock of the log while it makes a transition.
 *
 * A transaction that depends on another one inserts into the outbox after the other one has committed, because both lock the row
 * that they change. So its id is higher, and its entries come later in the log.
 *
 * The embedded database has one connection. Its transactions never run at the same time, so each numbers its own entries.
 */
export class Sequencer {
  readonly #database: Database<CoordinatorTables>;
  readonly #log: Log;
  #running: Promise<void> = Promise.resolve();
  #next: Promise<void> | undefined;

  constructor(database: Database<CoordinatorTables>, log: Log) {
    this.#database = database;
    this.#log = log;
  }

  /** Saves the log entries and events of a transaction. This is its last step. */
  async save(trx: Transaction<CoordinatorTables>, records: Records): Promise<void> {
    if (this.#database.kind === 'pglite') {
      await appendRecords(trx, this.#log, await lockCounters(trx), [records]);
      return;
    }
    const { at, entries, events } = records;
    await trx
      .insertInto('outbox')
      .values({ created_at: at, entries: JSON.stringify(entries), events: JSON.stringify(events) })
      .execute();
  }

  /** Resolves when the entries and events of all transactions that have committed before this call have their numbers. */
  async sequence(): Promise<void> {
    if (this.#database.kind === 'pglite') return;
    // The present round may have read the outbox before the transaction of this call committed, so the next one counts.
    this.#next ??= this.#running
      .catch(() => undefined)
      .then(() => {
        this.#next = undefined;
        this.#running = this.#drain();
        return this.#running;
      });
    return this.#next;
  }

  /** Numbers what a process left in the outbox that was killed after a commit. */
  async sequenceRest(): Promise<void> {
    const waiting = await this.#database.db.selectFrom('outbox').select('id').limit(1).executeTakeFirst();
    if (waiting !== undefined) await this.sequence();
  }

  async #drain(): Promise<void> {
    while ((await this.#database.db.transaction().execute(trx => this.#numberBatch(trx))) === BATCH);
  }

  async #numberBatch(trx: Transaction<CoordinatorTables>): Promise<number> {
    const { counters, rows } = await takeBatch(trx);
    if (rows.length > 0) await appendRecords(trx, this.#log, counters, rows);
    return rows.length;
  }
}

/**
 * Locks the row of `counters`, and takes the oldest rows out of the outbox, in one statement. No row is taken before the lock is
 * held: otherwise two processes could wait for each other. Rows that were committed while this one waited are left for later.
 */
async function takeBatch(
  trx: Transaction<CoordinatorTables>
): Promise<{ readonly counters: Counters; readonly rows: readonly Records[] }> {
  const found = await trx
    .with('held', db =>
      db.selectFrom('counters').select(['log_size', 'last_event']).where('id', '=', 1).forUpdate()
    )
    .with('taken', db =>
      db
        .deleteFrom('outbox')
        .where('id', 'in', eb =>
          eb
            .selectFrom('outbox')
            .select('id')
            .where(eb.exists(eb.selectFrom('held').select('held.log_size')))
            .orderBy('id')
            .limit(BATCH)
        )
        .returningAll()
    )
    .selectFrom('held')
    .leftJoin('taken', join => join.onTrue())
    .selectAll()
    .orderBy('taken.id')
    .execute();
  const [first] = found;
  if (first === undefined) throw new CleanRoomError('internal', 'The database has no counters.');
  const rows = found.flatMap(({ created_at: at, entries, events }) =>
    at === null || entries === null || events === null ? [] : [{ at, entries, events }]
  );
  return { counters: first, rows };
}
