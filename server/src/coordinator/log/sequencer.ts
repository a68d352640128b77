import type { Transaction } from 'kysely';
import type { Database } from '../../platform/database/database.js';
import type { CoordinatorTables } from '../database/tables.js';
import { appendRecords, lockCounters, type Records } from './append.js';
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
    const counters = await lockCounters(trx);
    const rows = await trx
      .deleteFrom('outbox')
      .where('id', 'in', eb => eb.selectFrom('outbox').select('id').orderBy('id').limit(BATCH))
      .returningAll()
      .execute();
    if (rows.length === 0) return 0;
    rows.sort((a, b) => a.id - b.id);
    const records = rows.map(({ created_at: at, entries, events }) => ({ at, entries, events }));
    await appendRecords(trx, this.#log, counters, records);
    return rows.length;
  }
}
