import type { Kysely } from 'kysely';
import type { Client } from '@clean-room/api';
import type { ObjectStore } from '../platform/objects/store.js';
import type { CustodianConfig } from './config.js';
import type { CustodianTables } from './database/tables.js';
import type { AssetRegistry } from './datasets/registry/registry.js';
import type { CommittedKernelImage } from '../platform/kernel-images/committed.js';
import type { KeyStore } from './keys/key-store.js';
import type { Logger } from './late-logger.js';
import type { LogWatch } from './log/log-watch.js';
import type { RosterBook } from './parties/roster-book.js';

/** What the domains of a custodian work with. The coordinator is only ever a client's other end: nothing it says is believed. */
export interface CustodianContext {
  readonly config: CustodianConfig;
  readonly folder: string;
  readonly db: Kysely<CustodianTables>;
  readonly keys: KeyStore;
  readonly registry: AssetRegistry;
  readonly rosters: RosterBook;
  readonly log: LogWatch;
  readonly coordinator: Client;
  /** Files of submissions, by digest. */
  readonly files: ObjectStore;
  readonly kernelImages: readonly CommittedKernelImage[];
  readonly logger: Logger;
  now(): Date;
}
