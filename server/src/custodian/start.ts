import { openDatabase } from '../platform/database/database.js';
import { committedKernelImages } from '../platform/kernel-images/committed.js';
import { readSecretFile } from '../platform/files/secret-file.js';
import { listen, requireFreeAddress } from '../platform/http/listen.js';
import { FolderStore } from '../platform/objects/folder.js';
import { startBackgroundTasks } from './background.js';
import { coordinatorClient, custodianPaths, type CustodianHome } from './config.js';
import { LateLogger, type CustodianContext } from './context.js';
import { CUSTODIAN_MIGRATIONS } from './database/migrations.js';
import type { CustodianTables } from './database/tables.js';
import { AssetRegistry } from './datasets/registry.js';
import { RevocationBook } from './kernel-images/revocation-book.js';
import { openKeyFolder } from './keys/key-folder.js';
import { LogWatch } from './log/log-watch.js';
import { buildPages } from './pages/pages.js';
import { RosterBook } from './parties/roster-book.js';
import { requireOwnDatabase, requireOwnProcess } from './separation.js';

/** Settings of one start of a custodian that are not part of its configuration. */
export interface CustodianOptions {
  /** The folder of committed kernel images, the repository's own by default. */
  readonly kernelImages?: string;
  /** Returns the current time. Tests replace it. */
  readonly now?: () => Date;
}

/** A custodian that serves its pages and answers key requests. */
export interface RunningCustodian {
  /** The address of its pages. */
  readonly url: string;
  readonly context: CustodianContext;
  close(): Promise<void>;
}

/**
 * Starts a custodian: its pages on its own origin, and its background tasks. It is a client of the coordinator's public
 * API and shares nothing with the coordinator.
 *
 * @throws CleanRoomError `not-found`, `forbidden` or `malformed` for a key or token that is not usable, `forbidden` when it
 * shares process, user or database with the coordinator and does not say so, `conflict` when another
 * process uses the folder's database, `unavailable` when the database cannot be reached or the port is in use. Nothing is
 * then left running.
 */
export async function startCustodian(
  home: CustodianHome,
  options: CustodianOptions = {}
): Promise<RunningCustodian> {
  const { config } = home;
  const paths = custodianPaths(home);
  const name = `The custodian of ${config.party}`;
  await requireFreeAddress(name, config.listen);
  await requireOwnProcess(config);
  const keys = await openKeyFolder(paths.keys);
  await readSecretFile(paths.token);
  const database = await openDatabase<CustodianTables>({
    url: paths.database,
    migrations: CUSTODIAN_MIGRATIONS,
    check: requireOwnDatabase
  });
  try {
    const coordinator = coordinatorClient(home);
    const logger = new LateLogger();
    const context: CustodianContext = {
      config,
      folder: home.folder,
      db: database.db,
      keys,
      registry: new AssetRegistry(paths.assets, keys.publicKey),
      rosters: new RosterBook(database.db),
      revocations: new RevocationBook(database.db, paths.revocations),
      log: new LogWatch(database.db, coordinator),
      coordinator,
      files: await FolderStore.open(paths.files),
      objects: await FolderStore.open(paths.objects),
      kernelImages: await committedKernelImages(options.kernelImages),
      logger,
      now: options.now ?? (() => new Date())
    };
    const app = await buildPages(context, '0.1.0');
    logger.attach(app.log);
    const port = await listen(app, name, config.listen).catch(async (error: unknown) => {
      await app.close();
      throw error;
    });
    const background = startBackgroundTasks(context);
    return {
      // Port 0 asks the system for a free port, which the configured origin cannot name.
      url: config.listen.port === 0 ? config.origin.replace(/(:\d+)?$/, `:${port}`) : config.origin,
      context,
      close: async () => {
        await background.stop();
        await app.close();
        await database.close();
      }
    };
  } catch (error) {
    await database.close();
    throw error;
  }
}
