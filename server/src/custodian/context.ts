import type { Kysely } from 'kysely';
import type { Client } from '../client/index.js';
import type { ObjectStore } from '../platform/objects/index.js';
import type { CustodianConfig } from './config.js';
import type { Tables } from './database/index.js';
import type { AssetRegistry } from './datasets/index.js';
import type { CommittedKernelImage } from './kernel-images/index.js';
import type { KeyStore } from './keys/index.js';
import type { Logger } from './late-logger.js';
import type { LogWatch } from './log/index.js';
import type { RosterBook } from './parties/index.js';

/** What the domains of a custodian work with. The coordinator is only ever a client's other end: nothing it says is believed. */
export interface Context {
  readonly config: CustodianConfig;
  readonly folder: string;
  readonly db: Kysely<Tables>;
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
