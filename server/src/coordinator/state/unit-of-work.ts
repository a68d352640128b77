import type { Transaction } from 'kysely';
import type { JobQueue } from '../../platform/database/queue.js';
import type { CoordinatorJobs } from '../background/jobs.js';
import type { CoordinatorTables } from '../database/tables.js';
import { writeEntriesAndEvents, type EntryDraft, type EventDraft } from '../log/store.js';

/** One transaction, with the log entries and events that are written when it commits. */
export class UnitOfWork {
  readonly trx: Transaction<CoordinatorTables>;
  /** The time of everything that the transaction writes. */
  readonly at: Date;
  /** All log entries of the transaction, for the server's own log. */
  readonly transitions: EntryDraft[] = [];
  readonly #queue: JobQueue<CoordinatorJobs>;
  #entries: EntryDraft[] = [];
  #events: EventDraft[] = [];

  constructor(trx: Transaction<CoordinatorTables>, queue: JobQueue<CoordinatorJobs>, at: Date) {
    this.trx = trx;
    this.#queue = queue;
    this.at = at;
  }

  /** Adds an entry to the log when the transaction commits. */
  appendLogEntry(entry: EntryDraft): void {
    this.#entries.push(entry);
    this.transitions.push(entry);
  }

  /** Sends an event to all of `parties` when the transaction commits. */
  queueEvent(parties: readonly string[], data: EventDraft['data']): void {
    this.#events.push({ parties, data });
  }

  /**
   * Sends a background job when the transaction commits. A job about an attempt, and the clean-up, are dropped while the same
   * job is waiting.
   *
   * @param delaySeconds - earliest start of the job, in seconds from now
   */
  async send<N extends keyof CoordinatorJobs>(
    name: N,
    data: CoordinatorJobs[N],
    delaySeconds = 0
  ): Promise<void> {
    await this.#queue.send(this.trx, name, data, {
      ...(delaySeconds === 0 ? {} : { after: delaySeconds }),
      ...('attempt' in data ? { key: data.attempt } : name === 'clean-up' ? { key: name } : {})
    });
  }

  /** Sends a background job that starts at `time` at the earliest, or after one second if `time` has passed. */
  async sendAt<N extends keyof CoordinatorJobs>(
    name: N,
    data: CoordinatorJobs[N],
    time: Date
  ): Promise<void> {
    const seconds = Math.ceil((time.getTime() - this.at.getTime()) / 1000);
    await this.send(name, data, Math.max(1, seconds));
  }

  /**
   * Writes the log entries and events that were added so far. From here to the end of this transaction, no other transaction
   * can write log entries or events.
   *
   * @returns the log's index of the first entry that was written, or -1 when there was nothing to write
   */
  async flush(): Promise<number> {
    const [entries, events] = [this.#entries, this.#events];
    [this.#entries, this.#events] = [[], []];
    if (entries.length === 0 && events.length === 0) return -1;
    return writeEntriesAndEvents(this.trx, this.at, entries, events);
  }
}
