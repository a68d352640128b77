import type { Kysely } from 'kysely';
import type { Database } from '../platform/database/database.js';
import type { JobQueue } from '../platform/database/queue.js';
import type { Logger } from '../platform/http/logging.js';
import type { ObjectStore } from '../platform/objects/store.js';
import type { ObjectTransfers } from '../platform/objects/transfers.js';
import type { Authenticator } from '../platform/authentication/authenticator.js';
import type { TeeBackend } from './backends/backend.js';
import type { CoordinatorJobs } from './background/jobs.js';
import type { CoordinatorConfig } from './config.js';
import type { CoordinatorTables } from './database/tables.js';
import type { EventTail } from './events/tail.js';
import type { KernelImages } from './images/kernel-images.js';
import type { RecordedPublisher } from './images/recorded-publisher.js';
import type { AttemptSecrets } from './jobs/secrets.js';
import type { Log } from './log/log.js';
import type { Sequencer } from './log/sequencer.js';
import { UnitOfWork } from './state/unit-of-work.js';

/** The services that the domains of the coordinator use. */
export interface CoordinatorServices {
  readonly config: CoordinatorConfig;
  readonly database: Database<CoordinatorTables>;
  readonly queue: JobQueue<CoordinatorJobs>;
  readonly objects: ObjectStore;
  /** The ways by which attempts transfer objects. */
  readonly transfers: ObjectTransfers;
  readonly kernelImages: KernelImages;
  readonly images: RecordedPublisher;
  readonly backend: TeeBackend;
  readonly authenticator: Authenticator;
  readonly log: Log;
  readonly sequencer: Sequencer;
  readonly secrets: AttemptSecrets;
  readonly events: EventTail;
  readonly logger: Logger;
  /** Returns the base URL at which supervisors reach this server, without a slash at the end. */
  supervisorBase(): string;
}

/** The services of a running coordinator, and its transactions. */
export class CoordinatorContext {
  readonly services: CoordinatorServices;

  constructor(services: CoordinatorServices) {
    this.services = services;
  }

  get db(): Kysely<CoordinatorTables> {
    return this.services.database.db;
  }

  /**
   * Runs `work` in one transaction: its writes, log entries, events and background jobs are saved together or not at all.
   * Inside `work`, all queries must use `unit.trx`. Resolves when the entries and events have their numbers, so that a client
   * finds in the log what it was answered.
   */
  async transact<T>(work: (unit: UnitOfWork) => Promise<T>): Promise<T> {
    const { queue, sequencer, events, logger } = this.services;
    const { value, records } = await this.db.transaction().execute(async trx => {
      const unit = new UnitOfWork(trx, queue, new Date());
      const value = await work(unit);
      const { records } = unit;
      if (records !== undefined) await sequencer.save(trx, records);
      return { value, records };
    });
    if (records === undefined) return value;
    for (const { subject, subject_id: id, state } of records.entries) {
      logger.info({ subject, id, state }, 'state changed');
    }
    // The transaction has committed, so an error here must not look as if nothing had changed.
    await sequencer.sequence().catch((error: unknown) => {
      logger.error({ err: error }, 'log entries could not be numbered, which will be repeated');
    });
    events.wake();
    return value;
  }
}
