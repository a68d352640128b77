import { fromBase64Url } from '@clean-room/protocol/bytes';
import { signingKey } from '@clean-room/protocol/documents';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { openDatabase, type Database } from '../platform/database/database.js';
import { JobQueue } from '../platform/database/queue.js';
import { readSecretFile } from '../platform/files/secret-file.js';
import { buildApp, type App } from '../platform/http/app.js';
import { listen, requireFreeAddress } from '../platform/http/listen.js';
import { Metrics } from '../platform/http/metrics.js';
import { openObjectStore } from '../platform/objects/open.js';
import { recordCoordinator } from '../platform/running-coordinators.js';
import type { ObjectStore } from '../platform/objects/store.js';
import { approvalRoutes } from './approvals/routes.js';
import type { TeeBackend } from './backends/backend.js';
import { openBackend } from './backends/open.js';
import type { CoordinatorJobs } from './background/jobs.js';
import { catalogueRoutes } from './catalogue/routes.js';
import { checkCoordinatorConfig, type CoordinatorConfig } from './config.js';
import { CoordinatorContext, type CoordinatorServices } from './context.js';
import { COORDINATOR_MIGRATIONS } from './database/migrations.js';
import type { CoordinatorTables } from './database/tables.js';
import { eventRoutes } from './events/routes.js';
import { EventTail } from './events/tail.js';
import { KernelImages } from './images/kernel-images.js';
import { openPublisher } from './images/open.js';
import type { ImagePublisher } from './images/publisher.js';
import { RecordedPublisher } from './images/recorded-publisher.js';
import { jobRoutes } from './jobs/routes.js';
import { AttemptSecrets } from './jobs/secrets.js';
import { relayAddresses } from './jobs/transfer-grants.js';
import { Log } from './log/log.js';
import { Sequencer } from './log/sequencer.js';
import { logRoutes } from './log/routes.js';
import { mailboxRoutes } from './mailbox/routes.js';
import { objectRoutes } from './objects/routes.js';
import { partyRoutes } from './parties/routes.js';
import { openAuthenticator } from './access/authentication.js';
import { runRoutes } from './runs/routes.js';
import { submissionRoutes } from './submissions/routes.js';
import { startWork } from './background/work.js';

export { DEFAULT_LIMITS, CoordinatorConfig } from './config.js';
export type {
  AttemptPlan,
  TeeBackend,
  TeeCapabilities,
  TeeConsole,
  TeeMachine,
  TeeStatus
} from './backends/backend.js';
export { KernelImages, kernelImageOf } from './images/kernel-images.js';
export type { ImagePublisher } from './images/publisher.js';

/** Parts that replace those of the configuration, for tests and for programs that embed a coordinator. */
export interface CoordinatorOverrides {
  readonly backend?: TeeBackend;
  readonly images?: ImagePublisher;
  readonly objects?: ObjectStore;
  readonly kernelImages?: KernelImages;
  readonly database?: Database<CoordinatorTables>;
  /** Receives the log lines. Standard output by default. */
  readonly logTo?: { write(line: string): void };
}

/** A coordinator that has started. */
export interface RunningCoordinator {
  /** The URL at which it listens. */
  readonly url: string;
  /** Public key that signs the log's checkpoints, a trust root of verifiers. */
  readonly logKey: string;
  readonly app: App;
  /** Stops accepting requests, ends event streams, and waits until running work has ended. */
  close(): Promise<void>;
}

async function readKey(file: string): Promise<Uint8Array> {
  const bytes = fromBase64Url(await readSecretFile(file));
  if (bytes.length !== 32) {
    throw new CleanRoomError('malformed', `The secret in ${file} is not 32 bytes long.`, {
      remedy: 'Restore the file from a backup, or create 32 random bytes in base64url.'
    });
  }
  return bytes;
}

/** The coordinator as named in messages about its start. */
const NAME = 'The coordinator';

/** Maximum size of a JSON body in bytes, for routes that set no limit of their own. */
const BODY_LIMIT = 1024 * 1024;

function addGauges(metrics: Metrics, events: EventTail, database: Database<CoordinatorTables>): void {
  metrics.gauge('clean_room_event_streams', 'Number of open event streams.', gauge => {
    gauge.set(events.streams);
  });
  metrics.gauge('clean_room_log_entries', 'Number of entries in the log.', async gauge => {
    const { log_size } = await database.db
      .selectFrom('counters')
      .select('log_size')
      .executeTakeFirstOrThrow();
    gauge.set(log_size);
  });
  metrics.gauge(
    'clean_room_outbox_transactions',
    'Number of transactions whose log entries and events have no numbers yet.',
    async gauge => {
      const { waiting } = await database.db
        .selectFrom('outbox')
        .select(({ fn }) => fn.countAll<number>().as('waiting'))
        .executeTakeFirstOrThrow();
      gauge.set(waiting);
    }
  );
}

function mountRoutes(app: App, context: CoordinatorContext): void {
  partyRoutes(app, context);
  catalogueRoutes(app, context);
  objectRoutes(app, context);
  submissionRoutes(app, context);
  approvalRoutes(app, context);
  runRoutes(app, context);
  jobRoutes(app, context);
  mailboxRoutes(app, context);
  logRoutes(app, context);
  eventRoutes(app, context);
}

/**
 * Starts a coordinator. It handles a submission up to its receipt, and is not trusted with data,
 * keys, approvals or results.
 *
 * @param value - a {@link CoordinatorConfig}, not yet checked
 * @param overrides - parts that replace those of the configuration
 * @param from - where the configuration comes from, for error messages
 * @throws CleanRoomError with the setting to correct, or `unavailable` when a service that the coordinator needs does not
 * answer within seconds. Nothing is then left running.
 */
export async function startCoordinator(
  value: unknown,
  overrides: CoordinatorOverrides = {},
  from = 'the coordinator’s configuration'
): Promise<RunningCoordinator> {
  const config = checkCoordinatorConfig(value, from);
  await requireFreeAddress(NAME, config.listen);
  const [logSecret, jobSecret, authenticator, kernelImages] = await Promise.all([
    readKey(config.logKeyFile),
    readKey(config.jobSecretFile),
    openAuthenticator(config),
    overrides.kernelImages ?? KernelImages.read(config.kernelImages)
  ]);
  const [objects, images] = await Promise.all([
    overrides.objects ?? openObjectStore(config.objects),
    overrides.images ?? openPublisher(config.images)
  ]);
  const backend = overrides.backend ?? (await openBackend(config));
  const database =
    overrides.database ??
    (await openDatabase<CoordinatorTables>({ url: config.database, migrations: COORDINATOR_MIGRATIONS }));
  try {
    return await assemble(config, overrides, {
      database,
      objects,
      kernelImages,
      images: new RecordedPublisher(images, database.db),
      backend,
      authenticator,
      log: new Log(signingKey(logSecret)),
      secrets: new AttemptSecrets(jobSecret)
    });
  } catch (error) {
    await database.close();
    throw error;
  }
}

type Opened = Omit<
  CoordinatorServices,
  'config' | 'queue' | 'sequencer' | 'events' | 'logger' | 'supervisorBase' | 'transfers'
>;

async function assemble(
  config: CoordinatorConfig,
  overrides: CoordinatorOverrides,
  opened: Opened
): Promise<RunningCoordinator> {
  const { database, objects } = opened;
  const events = new EventTail();
  const metrics = new Metrics();
  const boss = database.createQueue(error => app.log.error({ err: error }, 'the job queue failed'));
  const queue = new JobQueue<CoordinatorJobs>(boss);
  const app = await buildApp({
    title: 'Clean room coordinator',
    version: '0.1.0',
    logLevel: config.logLevel,
    ...(overrides.logTo === undefined ? {} : { logTo: overrides.logTo }),
    requestsPerMinute: config.limits.requestsPerMinute,
    bodyLimit: BODY_LIMIT,
    checks: {
      database: () => database.ping(),
      objects: () => objects.ping(),
      images: () => opened.images.ping(),
      queue: () => queue.ping()
    },
    metrics
  });
  addGauges(metrics, events, database);
  let url = '';
  const supervisorBase = (): string => (config.supervisorUrl ?? url).replace(/\/$/, '');
  const context = new CoordinatorContext({
    ...opened,
    config,
    queue,
    sequencer: new Sequencer(database, opened.log),
    events,
    logger: app.log,
    supervisorBase,
    transfers: objects.transfers(relayAddresses(opened.secrets, supervisorBase))
  });
  mountRoutes(app, context);
  let endWork: (() => Promise<void>) | undefined;
  const recordEnd = recordCoordinator();
  const close = async (): Promise<void> => {
    recordEnd();
    await events.stop();
    await app.close();
    await endWork?.();
  };
  try {
    await events.start(database.db, error => app.log.error({ err: error }, 'events could not be read'));
    const { host } = config.listen;
    url = urlOf(host, await listen(app, NAME, config.listen));
    endWork = await startWork(context);
  } catch (error) {
    await close();
    throw error;
  }
  return {
    url,
    logKey: opened.log.publicKey,
    app,
    close: async () => {
      await close();
      await database.close();
    }
  };
}

function urlOf(host: string, port: number): string {
  const name = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
  return `http://${name.includes(':') ? `[${name}]` : name}:${port}`;
}
