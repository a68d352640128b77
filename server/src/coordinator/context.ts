import type { Kysely } from 'kysely';
import type { FastifyBaseLogger } from 'fastify';
import type { Database } from '../platform/database/database.js';
import type { JobQueue } from '../platform/database/queue.js';
import type { ObjectStore } from '../platform/objects/store.js';
import type { Authenticator } from '../platform/authentication/authenticator.js';
import type { TeeBackend } from './backends/backend.js';
import type { CoordinatorConfig } from './config.js';
import type { CoordinatorTables } from './database/tables.js';
import type { EventTail } from './events/tail.js';
import type { KernelImages } from './images/kernel-images.js';
import type { ImagePublisher } from './images/publisher.js';
import type { JobTokens } from './jobs/tokens.js';
import type { Log } from './log/log.js';
import { UnitOfWork } from './unit-of-work.js';

/** The work that survives the process. All of it may be done twice: each names an attempt or a revision, and looks first. */
export type CoordinatorJobs = {
  'start-attempt': { readonly attempt: string };
  'watch-attempt': { readonly attempt: string };
  'stop-attempt': { readonly attempt: string };
  'expire-revision': { readonly submission: string; readonly revision: number };
};

/** What the domains of the coordinator work with. */
export interface CoordinatorServices {
  readonly config: CoordinatorConfig;
  readonly database: Database<CoordinatorTables>;
  readonly queue: JobQueue<CoordinatorJobs>;
  readonly objects: ObjectStore;
  readonly kernelImages: KernelImages;
  readonly images: ImagePublisher;
  readonly backend: TeeBackend;
  readonly authenticator: Authenticator;
  readonly log: Log;
  readonly jobTokens: JobTokens;
  readonly events: EventTail;
  readonly logger: FastifyBaseLogger;
  /** Where supervisors reach this server. */
  supervisorBase(): string;
}

export class CoordinatorContext {
  readonly services: CoordinatorServices;

  constructor(parts: CoordinatorServices) {
    this.services = parts;
  }

  get db(): Kysely<CoordinatorTables> {
    return this.services.database.db;
  }

  /**
   * One change of state, whole or not at all: what `work` writes, its log entries, its events and its jobs. Inside,
   * everything goes through `unit.trx`.
   */
  async transact<T>(work: (unit: UnitOfWork) => Promise<T>): Promise<T> {
    const { queue, jobTokens, events, logger } = this.services;
    const { value, unit } = await this.db.transaction().execute(async trx => {
      const unit = new UnitOfWork(trx, queue, jobTokens, new Date());
      const value = await work(unit);
      await unit.flush();
      return { value, unit };
    });
    for (const { subject, id, state } of unit.transitions) logger.info({ subject, id, state }, 'moved');
    events.wake();
    return value;
  }
}
