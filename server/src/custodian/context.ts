import type { Kysely } from 'kysely';
import type { Client } from '@clean-room/api';
import type { Logger } from '../platform/http/logging.js';
import type { CommittedKernelImage } from '../platform/kernel-images/committed.js';
import type { ObjectStore } from '../platform/objects/store.js';
import type { CustodianConfig } from './config.js';
import type { CustodianTables } from './database/tables.js';
import type { AssetRegistry } from './datasets/registry.js';
import type { RevocationBook } from './kernel-images/revocation-book.js';
import type { KeyStore } from './keys/key-store.js';
import type { LogWatch } from './log/log-watch.js';
import type { RosterBook } from './parties/roster-book.js';

/**
 * The services that the domains of a custodian share. The coordinator is reached only through a client, and everything
 * that it sends is verified before it is used.
 */
export interface CustodianContext {
  readonly config: CustodianConfig;
  readonly folder: string;
  readonly db: Kysely<CustodianTables>;
  readonly keys: KeyStore;
  readonly registry: AssetRegistry;
  readonly rosters: RosterBook;
  readonly revocations: RevocationBook;
  readonly log: LogWatch;
  readonly coordinator: Client;
  /** Files of submissions, by digest. */
  readonly files: ObjectStore;
  /** Sealed data and stand-ins, by digest. */
  readonly objects: ObjectStore;
  readonly kernelImages: readonly CommittedKernelImage[];
  readonly logger: Logger;
  /** Returns the current time. */
  readonly now: () => Date;
}

/** A logger for parts that are created before the web application, which owns the log. Earlier messages are dropped. */
export class LateLogger implements Logger {
  #target: Logger | undefined;

  /** Sends all further messages to `target`. */
  attach(target: Logger): void {
    this.#target = target;
  }

  info(data: object, message: string): void {
    this.#target?.info(data, message);
  }

  warn(data: object, message: string): void {
    this.#target?.warn(data, message);
  }

  error(data: object, message: string): void {
    this.#target?.error(data, message);
  }
}
