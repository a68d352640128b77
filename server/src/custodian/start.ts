import type { AddressInfo } from 'node:net';
import { CleanRoomError, isCleanRoomError } from '@clean-room/protocol/errors';
import { routes, type CoordinatorEvent } from '@clean-room/api/coordinator';
import { openDatabase } from '../platform/database/database.js';
import { FolderStore } from '../platform/objects/folder.js';
import { deliverLeftBehind } from './approvals/deliver.js';
import { revokeApprovals } from './approvals/refuse.js';
import { custodianPaths, type CustodianHome } from './config.js';
import type { CustodianContext } from './context.js';
import { coordinatorOf } from './coordinator.js';
import { CUSTODIAN_MIGRATIONS } from './database/migrations.js';
import type { CustodianTables } from './database/tables.js';
import { AssetRegistry } from './datasets/registry/registry.js';
import { answerMailbox } from './key-release/mailbox.js';
import { committedKernelImages } from '../platform/kernel-images/committed.js';
import { openKeyFolder } from './keys/key-folder.js';
import { LateLogger } from './late-logger.js';
import { LogWatch } from './log/log-watch.js';
import { buildPages } from './pages/pages.js';
import { fetchMemberships } from './parties/collaborations.js';
import { RosterBook } from './parties/roster-book.js';

export interface CustodianOptions {
  /** Folder of committed kernel images; the repository's own unless told. */
  readonly kernelImages?: string;
  readonly now?: () => Date;
}

export interface RunningCustodian {
  /** Where its pages are. */
  readonly url: string;
  readonly context: CustodianContext;
  close(): Promise<void>;
}

/** Events tell at once; this finds what was missed. */
const ROUND_MILLISECONDS = 10_000;

/** One round of what a custodian does unasked. Each part stands alone: one that fails does not hold the others up. */
class Duties {
  readonly #context: CustodianContext;
  #running: Promise<void> | undefined;
  #again = false;

  constructor(context: CustodianContext) {
    this.#context = context;
  }

  /** Starts a round, or one more behind the one that runs. */
  wake(): void {
    if (this.#running !== undefined) {
      this.#again = true;
      return;
    }
    this.#running = this.#round().finally(() => {
      this.#running = undefined;
      if (!this.#again) return;
      this.#again = false;
      this.wake();
    });
  }

  async settle(): Promise<void> {
    this.#again = false;
    await this.#running;
  }

  async #round(): Promise<void> {
    const { coordinator, rosters, config, log } = this.#context;
    await this.#attempt('the log', () => log.advance());
    await this.#attempt('the mailbox', () => answerMailbox(this.#context));
    await this.#attempt('rosters', () =>
      fetchMemberships(coordinator, rosters, config.party, config.rootKey)
    );
    await this.#attempt('approvals', () => deliverLeftBehind(this.#context));
  }

  async #attempt(what: string, work: () => Promise<unknown>): Promise<void> {
    try {
      await work();
    } catch (error) {
      const code = isCleanRoomError(error) ? error.code : 'internal';
      this.#context.logger.warn({ err: error, code, what }, 'could not be looked after; tried again');
    }
  }
}

/** A decision that was taken back through the coordinator is taken back here: that it says so can only make things safer. */
async function heed(context: CustodianContext, event: CoordinatorEvent): Promise<void> {
  if (event.topic !== 'submission' || event.decision?.provider !== context.config.party) return;
  if (event.decision.state === 'rejected' || event.decision.state === 'revoked') {
    await revokeApprovals(context, event.submission, event.revision);
  }
}

async function follow(context: CustodianContext, duties: Duties, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      for await (const { data } of context.coordinator.events(routes.streamEvents, { signal })) {
        const event = JSON.parse(data) as CoordinatorEvent;
        await heed(context, event);
        if (event.topic !== 'run') duties.wake();
      }
    } catch (error) {
      context.logger.warn({ err: error }, 'the stream of events broke off');
      await new Promise(resolve => setTimeout(resolve, 1000).unref());
    }
  }
}

/**
 * Starts a custodian: its pages on its own origin, and its loop over the coordinator's mailbox. It is a client of the
 * coordinator's public interface and shares nothing with it.
 * @throws CleanRoomError `conflict` when the folder's database is in use, `unavailable` when it can't listen
 */
export async function startCustodian(
  home: CustodianHome,
  options: CustodianOptions = {}
): Promise<RunningCustodian> {
  const { config } = home;
  const places = custodianPaths(home);
  const database = await openDatabase<CustodianTables>({
    url: places.database,
    migrations: CUSTODIAN_MIGRATIONS
  });
  try {
    const keys = await openKeyFolder(places.keys);
    const coordinator = coordinatorOf(home);
    const parts = {
      config,
      folder: home.folder,
      db: database.db,
      keys,
      registry: new AssetRegistry(places.assets, keys.publicKey),
      rosters: new RosterBook(database.db),
      log: new LogWatch(database.db, coordinator),
      coordinator,
      files: await FolderStore.open(places.files),
      kernelImages: await committedKernelImages(options.kernelImages),
      now: options.now ?? (() => new Date())
    };
    const logger = new LateLogger();
    const context: CustodianContext = { ...parts, logger };
    const app = await buildPages(context, '0.1.0');
    logger.attach(app.log);
    await app.listen({ host: config.listen.host, port: config.listen.port }).catch((cause: unknown) => {
      throw new CleanRoomError(
        'unavailable',
        `The custodian of ${config.party} can not listen on port ${config.listen.port}.`,
        {
          remedy: 'Stop what uses the port, or give the custodian another one.',
          cause
        }
      );
    });
    const stop = new AbortController();
    const duties = new Duties(context);
    duties.wake();
    const round = setInterval(() => duties.wake(), ROUND_MILLISECONDS);
    const following = follow(context, duties, stop.signal);
    const { port } = app.server.address() as AddressInfo;
    return {
      url: config.listen.port === 0 ? config.origin.replace(/(:\d+)?$/, `:${port}`) : config.origin,
      context,
      close: async () => {
        clearInterval(round);
        stop.abort();
        await following;
        await duties.settle();
        await app.close();
        await database.close();
      }
    };
  } catch (error) {
    await database.close();
    throw error;
  }
}
