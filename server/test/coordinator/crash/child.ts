import { appendFile, mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { KyselyPlugin } from 'kysely';
import {
  KernelImages,
  kernelImageOf,
  startCoordinator,
  type TeeBackend
} from '../../../src/coordinator/index.js';
import { MIGRATIONS } from '../../../src/coordinator/database/migrations.js';
import type { Tables } from '../../../src/coordinator/database/tables.js';
import { openDatabase } from '../../../src/platform/database/index.js';
import type { Life } from './life.js';

/*
 * A coordinator in a process of its own that kills itself, as kill -9 does, at a moment the test chooses. It is the test's:
 * the product has no such switch.
 */
const life = JSON.parse(await readFile(process.argv[2] ?? '', 'utf8')) as Life;
const left: Record<string, number> = { [life.moment]: life.count };
let armed = false;

function die(moment: string): void {
  if (!armed || left[moment] === undefined) return;
  left[moment] -= 1;
  if (left[moment] === 0) process.kill(process.pid, 'SIGKILL');
}

/** A TEE that is a folder: it outlives every coordinator, and knows whether it was started before. */
const backend: TeeBackend = {
  sealedFor: 'simulation',
  start: async ({ attempt, job }) => {
    die('before-start');
    const folder = path.join(life.tees, attempt);
    try {
      await mkdir(folder);
    } catch {
      return;
    }
    await writeFile(path.join(folder, 'job'), job);
    await appendFile(path.join(life.tees, 'starts'), `${attempt}\n`);
    die('after-start');
  },
  find: async attempt => {
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

/** The ledger is written last in a transaction: what comes before it is all there, and nothing is committed yet. */
const beforeCommit: KyselyPlugin = {
  transformQuery: ({ node }) => {
    if (node.kind === 'UpdateQueryNode' && JSON.stringify(node.table).includes('"ledger"'))
      die('before-commit');
    return node;
  },
  transformResult: async ({ result }) => result
};

const opened = await openDatabase<Tables>({ url: life.config.database, migrations: MIGRATIONS });
const database = { ...opened, db: opened.db.withPlugin(beforeCommit) };
const [manifest, config, statement] = life.kernelImage;
const kernelImages = new KernelImages([
  kernelImageOf(Buffer.from(manifest, 'base64'), Buffer.from(config, 'base64'), statement)
]);
const coordinator = await startCoordinator(life.config, {
  backend,
  database,
  kernelImages,
  images: { publish: async () => undefined },
  logTo: {
    write: line => {
      if (!line.includes('"msg":"moved"')) return;
      const { subject, state } = JSON.parse(line) as { subject: string; state: string };
      process.stdout.write(`moved ${subject} ${state}\n`);
      // Behind all moves of the transaction: they are logged in one go.
      queueMicrotask(() => die('after-commit'));
    }
  }
});
armed = true;
process.stdout.write(`ready ${coordinator.url}\n`);
