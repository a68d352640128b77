import { AsyncLocalStorage } from 'node:async_hooks';
import { appendFileSync } from 'node:fs';
import { appendFile, mkdir, stat, writeFile } from 'node:fs/promises';
import { flushCompileCache } from 'node:module';
import path from 'node:path';
import type { Kysely, KyselyPlugin, Transaction } from 'kysely';
import { fromUtf8 } from '@clean-room/protocol/bytes';
import {
  KernelImages,
  kernelImageOf,
  startCoordinator,
  type TeeBackend
} from '../../../src/coordinator/start.js';
import { COORDINATOR_MIGRATIONS } from '../../../src/coordinator/database/migrations.js';
import type { CoordinatorTables } from '../../../src/coordinator/database/tables.js';
import { openDatabase, type Database } from '../../../src/platform/database/database.js';
import type {
  Crash,
  Entry,
  FromChild,
  Kill,
  ChildSettings,
  KillPoint,
  ToChild
} from './killed-coordinator.js';

/*
 * A coordinator in a process of its own that kills itself, as kill -9 does, at a moment the test chooses. It is the test's:
 * the product has no such switch.
 */
let life: ChildSettings;
let kill: Kill | undefined;

function killAt(moment: KillPoint, entries: readonly Entry[] = []): void {
  if (kill?.moment !== moment) return;
  if (
    kill.transition !== undefined &&
    !entries.some(({ subject, state }) => kill?.transition === `${subject} ${state}`)
  )
    return;
  const death: Crash = { moment, entries };
  appendFileSync(path.join(life.tees, 'crashes'), `${JSON.stringify(death)}\n`);
  process.kill(process.pid, 'SIGKILL');
}

/** A TEE that is a folder: it outlives every coordinator, and knows whether it was started before. */
const backend: TeeBackend = {
  sealedFor: 'simulation',
  start: async ({ attempt, job }) => {
    killAt('before-start');
    const folder = path.join(life.tees, attempt);
    try {
      await mkdir(folder);
    } catch {
      return;
    }
    await writeFile(path.join(folder, 'job'), job);
    await appendFile(path.join(life.tees, 'starts'), `${attempt}\n`);
    killAt('after-start');
  },
  status: async attempt => {
    const has = async (name: string): Promise<boolean> =>
      stat(path.join(life.tees, attempt, name)).then(
        () => true,
        () => false
      );
    if (await has('ended')) return { state: 'ended', code: 'run-failed' };
    return (await has('')) ? { state: 'running' } : { state: 'unknown' };
  },
  stop: async attempt => {
    await writeFile(path.join(life.tees, attempt, 'ended'), '').catch(() => undefined);
  }
};

/** What the transaction at work has entered in the log. */
const entered = new AsyncLocalStorage<Entry[]>();

const listen: KyselyPlugin = {
  transformQuery: ({ node }) => {
    if (node.kind === 'InsertQueryNode' && node.into?.table.identifier.name === 'log_entry') {
      const columns = node.columns?.map(({ column }) => column.name) ?? [];
      const bytes = columns.indexOf('bytes');
      for (const row of (node.values as unknown as { values: { values: unknown[] }[] }).values) {
        const entry = row.values[bytes] as Uint8Array;
        entered.getStore()?.push(JSON.parse(fromUtf8(entry)) as Entry);
      }
    }
    return node;
  },
  transformResult: async ({ result }) => result
};

/** Dies when all of a transaction is written and nothing committed, or when all is committed and nobody events. */
function withKills(database: Database<CoordinatorTables>): Database<CoordinatorTables> {
  const db = database.db.withPlugin(listen);
  const begin = db.transaction.bind(db);
  const execute = <T>(work: (trx: Transaction<CoordinatorTables>) => Promise<T>): Promise<T> =>
    entered.run([], async () => {
      const entries = entered.getStore() ?? [];
      const value = await begin().execute(async trx => {
        const value = await work(trx);
        killAt('before-commit', entries);
        return value;
      });
      killAt('after-commit', entries);
      return value;
    });
  Object.defineProperty(db, 'transaction', { value: () => ({ execute }) });
  return {
    ...database,
    db: db as Kysely<CoordinatorTables>,
    createQueue: onError => idle(database, onError)
  };
}

function idle(database: Database<CoordinatorTables>, onError: (error: Error) => void) {
  const boss = database.createQueue(onError);
  const work = boss.work.bind(boss) as (name: string, ...rest: unknown[]) => Promise<string>;
  const unless = async (name: string, ...rest: unknown[]): Promise<string> =>
    life.idle.some(queue => queue === name) ? '' : work(name, ...rest);
  Object.defineProperty(boss, 'work', { value: unless });
  return boss;
}

async function begin(): Promise<void> {
  const [manifest, config, statement] = life.kernelImage;
  const coordinator = await startCoordinator(life.config, {
    backend,
    database: withKills(
      await openDatabase<CoordinatorTables>({ url: life.config.database, migrations: COORDINATOR_MIGRATIONS })
    ),
    kernelImages: new KernelImages([
      kernelImageOf(Buffer.from(manifest, 'base64'), Buffer.from(config, 'base64'), statement)
    ]),
    images: { publish: async () => undefined },
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
  life = message.begin;
  kill = life.kill;
  void begin();
});
// Whoever is killed writes none.
flushCompileCache();
// A test that is gone needs no coordinator.
process.on('disconnect', () => process.exit());
