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
   * Inside `work`, all queries must use `unit.trx`.
   */
  async transact<T>(work: (unit: UnitOfWork) => Promise<T>): Promise<T> {
    const { queue, events, logger } = this.services;
    const { value, unit } = await this.db.transaction().execute(async trx => {
      const unit = new UnitOfWork(trx, queue, new Date());
      const value = await work(unit);
      await unit.flush();
      return { value, unit };
    });
    for (const { subject, id, state } of unit.transitions) {
      logger.info({ subject, id, state }, 'state changed');
    }
    events.wake();
    return value;
  }
}
