import type { Kysely } from 'kysely';
import type { FastifyBaseLogger } from 'fastify';
import type { Database, Queue } from '../platform/database/index.js';
import type { ObjectStore } from '../platform/objects/index.js';
import type { Authenticator } from '../platform/people/index.js';
import type { TeeBackend } from './backends/backend.js';
import type { CoordinatorConfig } from './config.js';
import type { Tables } from './database/tables.js';
import type { EventTail } from './events/tail.js';
import type { KernelImages } from './images/kernel-images.js';
import type { ImagePublisher } from './images/publisher.js';
import type { JobTokens } from './jobs/tokens.js';
import type { Log } from './log/index.js';
import { Unit } from './unit.js';

/** The work that survives the process. All of it may be done twice: each names an attempt or a revision, and looks first. */
export type CoordinatorJobs = {
  'start-attempt': { readonly attempt: string };
  'watch-attempt': { readonly attempt: string };
  'stop-attempt': { readonly attempt: string };
  'expire-revision': { readonly submission: string; readonly revision: number };
};

/** What the domains of the coordinator work with. */
export interface Parts {
  readonly config: CoordinatorConfig;
  readonly database: Database<Tables>;
  readonly queue: Queue<CoordinatorJobs>;
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

export class Context {
  readonly parts: Parts;

  constructor(parts: Parts) {
    this.parts = parts;
  }

  get db(): Kysely<Tables> {
    return this.parts.database.db;
  }

  /**
   * One change of state, whole or not at all: what `work` writes, its log entries, its events and its jobs. Inside,
   * everything goes through `unit.trx`.
   */
  async transact<T>(work: (unit: Unit) => Promise<T>): Promise<T> {
    const { queue, jobTokens, events, logger } = this.parts;
    const { value, unit } = await this.db.transaction().execute(async trx => {
      const unit = new Unit(trx, queue, jobTokens, new Date());
      const value = await work(unit);
      await unit.settle();
      return { value, unit };
    });
    for (const { subject, id, state } of unit.moves) logger.info({ subject, id, state }, 'moved');
    events.wake();
    return value;
  }
}
