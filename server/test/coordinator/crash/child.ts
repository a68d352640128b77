import { AsyncLocalStorage } from 'node:async_hooks';
import { appendFileSync } from 'node:fs';
import { appendFile, mkdir, readdir, stat, writeFile } from 'node:fs/promises';
import { flushCompileCache } from 'node:module';
import path from 'node:path';
import type { KyselyPlugin, Transaction } from 'kysely';
import { machineOf } from '@clean-room/simulator';
import type { PkiRoot } from '@clean-room/protocol/attestation';
import { fromUtf8 } from '@clean-room/protocol/bytes';
import {
  KernelImages,
  kernelImageOf,
  startCoordinator,
  type TeeBackend,
  type TeeStatus
} from '../../../src/coordinator/start.js';
import { COORDINATOR_MIGRATIONS } from '../../../src/coordinator/database/migrations.js';
import type { CoordinatorTables, OutboxEntry } from '../../../src/coordinator/database/tables.js';
import { openDatabase, type Database } from '../../../src/platform/database/database.js';
import { TEST_CAPABILITIES } from '../../support/backend.js';
import { testSimulator } from '../../support/simulator.js';
import type {
  Crash,
  Entry,
  FromChild,
  Kill,
  LoggedEntry,
  ChildSettings,
  KillPoint,
  ToChild
} from './killed-coordinator.js';
import { NO_IMAGES } from '../../support/images.js';

/*
 * A coordinator in its own process that kills itself with SIGKILL at a point that the test chooses. Only this test program
 * can do this; the product cannot.
 */
let settings: ChildSettings;
let kill: Kill | undefined;

function killAt(point: KillPoint, entries: readonly LoggedEntry[] = []): void {
  if (kill?.point !== point) return;
  if (
    kill.transition !== undefined &&
    !entries.some(({ subject, state }) => kill?.transition === `${subject} ${state}`)
  )
    return;
  const crash: Crash = { point, entries };
  appendFileSync(path.join(settings.tees, 'crashes'), `${JSON.stringify(crash)}\n`);
  process.kill(process.pid, 'SIGKILL');
}

const has = async (...name: string[]): Promise<boolean> =>
  stat(path.join(settings.tees, ...name)).then(
    () => true,
    () => false
  );

async function teeStatus(attempt: string): Promise<TeeStatus> {
  if (await has(attempt, 'ended')) return { state: 'ended', reason: 'stopped' };
  if (await has(attempt, 'preempted')) return { state: 'ended', reason: 'preempted' };
  return (await has(attempt)) ? { state: 'running' } : { state: 'unknown' };
}

/** A backend whose TEEs are folders, so that they survive the coordinator and know whether they were started before. */
const backend: TeeBackend & { roots: PkiRoot[] } = {
  sealedFor: 'simulation',
  // Set before the coordinator starts.
  roots: [],
  capabilities: TEST_CAPABILITIES,
  start: async ({ attempt, job }) => {
    killAt('before-start');
    const folder = path.join(settings.tees, attempt);
    try {
      await mkdir(folder);
    } catch {
      return teeStatus(attempt);
    }
    await writeFile(path.join(folder, 'job'), job);
    await appendFile(path.join(settings.tees, 'starts'), `${attempt}\n`);
    killAt('after-start');
    return teeStatus(attempt);
  },
  statuses: async attempts =>
    new Map(await Promise.all(attempts.map(async attempt => [attempt, await teeStatus(attempt)] as const))),
  stop: async attempt => {
    await writeFile(path.join(settings.tees, attempt, 'ended'), '').catch(() => undefined);
  },
  list: async () => {
    const started = await readdir(settings.tees, { withFileTypes: true });
    const attempts = started.filter(entry => entry.isDirectory()).map(entry => entry.name);
    const ended = await Promise.all(attempts.map(attempt => has(attempt, 'ended')));
    return attempts.filter((_, index) => !ended[index]);
  },
  machineOf: async attempt => machineOf(attempt)
};

/** The log entries that the running transaction has saved in the outbox, and those that it has numbered. */
interface InsertedEntries {
  readonly saved: LoggedEntry[];
  readonly numbered: LoggedEntry[];
}

const insertedEntries = new AsyncLocalStorage<InsertedEntries>();
/** Number of log entries that exist. A saved entry gets this index or a higher one. */
let logSize = 0;

function collectSaved(column: (name: string) => unknown): void {
  for (const { subject, subject_id: id, state } of JSON.parse(column('entries') as string) as OutboxEntry[])
    insertedEntries.getStore()?.saved.push({ subject, id, state, index: logSize });
}

function collectNumbered(column: (name: string) => unknown): void {
  const entry = JSON.parse(fromUtf8(column('bytes') as Uint8Array)) as Entry;
  const index = column('index') as number;
  insertedEntries.getStore()?.numbered.push({ ...entry, index });
  logSize = index + 1;
}

const collectEntries: KyselyPlugin = {
  transformQuery: ({ node }) => {
    if (node.kind !== 'InsertQueryNode') return node;
    const collect = { outbox: collectSaved, log_entry: collectNumbered }[
      node.into?.table.identifier.name ?? ''
    ];
    const columns = node.columns?.map(({ column }) => column.name) ?? [];
    for (const row of (node.values as unknown as { values: { values: unknown[] }[] }).values)
      collect?.(name => row.values[columns.indexOf(name)]);
    return node;
  },
  transformResult: async ({ result }) => result
};

/**
 * Returns a database that kills the process just before or just after the commit of a transaction. On PGlite, a transition and the
 * numbers of its entries are one commit.
 */
function killingDatabase(database: Database<CoordinatorTables>): Database<CoordinatorTables> {
  const db = database.db.withPlugin(collectEntries);
  const begin = db.transaction.bind(db);
  const execute = <T>(work: (trx: Transaction<CoordinatorTables>) => Promise<T>): Promise<T> =>
    insertedEntries.run({ saved: [], numbered: [] }, async () => {
      const { saved, numbered } = insertedEntries.getStore() ?? { saved: [], numbered: [] };
      const killNear = (time: 'before' | 'after'): void => {
        killAt(`${time}-commit`, database.kind === 'pglite' ? numbered : saved);
        if (numbered.length > 0) killAt(`${time}-numbering`, numbered);
      };
      const value = await begin().execute(async trx => {
        const value = await work(trx);
        killNear('before');
        return value;
      });
      killNear('after');
      return value;
    });
  Object.defineProperty(db, 'transaction', { value: () => ({ execute }) });
  return {
    ...database,
    db: db,
    createQueue: onError => partlyIdleQueue(database, onError)
  };
}

/** Returns a job queue that ignores the queues which the test has switched off. */
function partlyIdleQueue(database: Database<CoordinatorTables>, onError: (error: Error) => void) {
  const boss = database.createQueue(onError);
  const work = boss.work.bind(boss) as (name: string, ...rest: unknown[]) => Promise<string>;
  const workUnlessIdle = async (name: string, ...rest: unknown[]): Promise<string> =>
    settings.idle.some(queue => queue === name) ? '' : work(name, ...rest);
  Object.defineProperty(boss, 'work', { value: workUnlessIdle });
  return boss;
}

async function start(): Promise<void> {
  const [manifest, config, statement] = settings.kernelImage;
  backend.roots = [(await testSimulator()).root];
  const database = await openDatabase<CoordinatorTables>({
    url: settings.config.database,
    migrations: COORDINATOR_MIGRATIONS
  });
  const counters = await database.db.selectFrom('counters').select('log_size').executeTakeFirstOrThrow();
  logSize = counters.log_size;
  const coordinator = await startCoordinator(settings.config, {
    backend,
    database: killingDatabase(database),
    kernelImages: new KernelImages([
      kernelImageOf(Buffer.from(manifest, 'base64'), Buffer.from(config, 'base64'), statement)
    ]),
    images: NO_IMAGES,
    logTo: { write: () => undefined }
  });
  process.send?.({ url: coordinator.url } satisfies FromChild);
}

process.on('message', (message: ToChild) => {
  if ('arm' in message) {
    kill = message.arm;
    process.send?.({ armed: true } satisfies FromChild);
    return;
  }
  settings = message.start;
  kill = settings.kill;
  void start();
});
// A killed process does not write its compile cache.
flushCompileCache();
// Ends with the test process.
process.on('disconnect', () => process.exit());
