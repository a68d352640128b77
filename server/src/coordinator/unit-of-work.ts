import type { Transaction } from 'kysely';
import type { JobQueue } from '../platform/database/queue.js';
import type { CoordinatorJobs } from './context.js';
import type { CoordinatorTables } from './database/tables.js';
import { JobTokens } from './jobs/tokens.js';
import { writeLedger, type EntryDraft, type EventDraft } from './log/ledger.js';

/** One transaction, and what is to be told of it. */
export class UnitOfWork {
  readonly trx: Transaction<CoordinatorTables>;
  /** The moment of everything in it. */
  readonly at: Date;
  readonly transitions: EntryDraft[] = [];
  readonly #queue: JobQueue<CoordinatorJobs>;
  readonly #jobTokens: JobTokens;
  #entries: EntryDraft[] = [];
  #events: EventDraft[] = [];

  constructor(
    trx: Transaction<CoordinatorTables>,
    queue: JobQueue<CoordinatorJobs>,
    jobTokens: JobTokens,
    at: Date
  ) {
    this.trx = trx;
    this.#queue = queue;
    this.#jobTokens = jobTokens;
    this.at = at;
  }

  /** An entry of the log. */
  appendLogEntry(entry: EntryDraft): void {
    this.#entries.push(entry);
    this.transitions.push(entry);
  }

  /** An event for all of `parties`. */
  queueEvent(parties: readonly string[], data: EventDraft['data']): void {
    this.#events.push({ parties, data });
  }

  /** What an attempt's job is found by. */
  jobHash(attempt: string): string {
    return JobTokens.hash(this.#jobTokens.of(attempt));
  }

  /** A job that is there if this transaction commits. One about an attempt is not sent twice while it waits. */
  async send<N extends keyof CoordinatorJobs>(name: N, data: CoordinatorJobs[N], after = 0): Promise<void> {
    await this.#queue.send(this.trx, name, data, {
      ...(after === 0 ? {} : { after }),
      ...('attempt' in data ? { key: data.attempt } : {})
    });
  }

  /**
   * Writes what was entered and told so far. From here to the end of the transaction no other one can write.
   * @returns the log's index of the first entry written
   */
  async flush(): Promise<number> {
    const [entries, events] = [this.#entries, this.#events];
    [this.#entries, this.#events] = [[], []];
    if (entries.length === 0 && events.length === 0) return -1;
    return writeLedger(this.trx, this.at, entries, events);
  }
}
