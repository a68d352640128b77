import type { Transaction } from 'kysely';
import { toBase64 } from '@clean-room/protocol/bytes';
import { toTimestamp } from '@clean-room/protocol/documents';
import { LogEntry } from '@clean-room/protocol/log';
import type { JobQueue } from '../../platform/database/queue.js';
import type { CoordinatorJobs } from '../background/jobs.js';
import type { CoordinatorTables, EventDraft, OutboxEntry } from '../database/tables.js';
import type { Records } from '../log/append.js';

/** A log entry without its format and time. */
type EntryDraft = Omit<LogEntry, 'format' | 'at'>;

/** Returns the subject of a job. Two jobs of one kind with the same subject are the same job. */
function keyOf(name: keyof CoordinatorJobs, data: CoordinatorJobs[keyof CoordinatorJobs]): string {
  if ('attempt' in data) return data.attempt;
  return 'submission' in data ? `${data.submission}/${data.revision}` : name;
}

/** One transaction, with the log entries and events that are saved when it commits. */
export class UnitOfWork {
  readonly trx: Transaction<CoordinatorTables>;
  /** The time of everything that the transaction writes. */
  readonly at: Date;
  /** The parties of submissions that the transaction has read. */
  readonly parties = new Map<string, { submitter: string | undefined; providers: readonly string[] }>();
  /** Submissions whose time of the last change is already that of the transaction. */
  readonly touched = new Set<string>();
  readonly #queue: JobQueue<CoordinatorJobs>;
  readonly #entries: OutboxEntry[] = [];
  readonly #events: EventDraft[] = [];

  constructor(trx: Transaction<CoordinatorTables>, queue: JobQueue<CoordinatorJobs>, at: Date) {
    this.trx = trx;
    this.#queue = queue;
    this.at = at;
  }

  /** The log entries and events that were added so far, or undefined when there are none. */
  get records(): Records | undefined {
    if (this.#entries.length === 0 && this.#events.length === 0) return undefined;
    return { at: this.at, entries: this.#entries, events: this.#events };
  }

  /** Adds an entry to the log when the transaction commits. */
  appendLogEntry(entry: EntryDraft): void {
    const bytes = LogEntry.write({ format: 'clean-room.log-entry/v1', at: toTimestamp(this.at), ...entry });
    const { subject, id, state } = entry;
    this.#entries.push({ subject, subject_id: id, state, bytes: toBase64(bytes) });
  }

  /** Sends an event to all of `parties` when the transaction commits. */
  queueEvent(parties: readonly string[], data: EventDraft['data']): void {
    this.#events.push({ parties, data });
  }

  /**
   * Sends a background job when the transaction commits. It is dropped while the same job is waiting.
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
      key: keyOf(name, data)
    });
  }
}
