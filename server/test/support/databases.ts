import { cp, mkdir, mkdtemp, rename, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { openDatabase } from '../../src/platform/database/database.js';
import { postgresIsHere, startPostgres, type PostgresServer } from './postgres.js';

export interface DatabaseMaker {
  /** The address of a new, empty database. */
  make(): Promise<string>;
  dispose(): Promise<void>;
}

const TEMPLATE = fileURLToPath(new URL('../../../.cache/server/pglite-template', import.meta.url));

/** Making a PGlite folder takes seconds, copying one does not. */
async function template(): Promise<string> {
  const ready = await stat(TEMPLATE).then(
    () => true,
    () => false
  );
  if (ready) return TEMPLATE;
  await mkdir(path.dirname(TEMPLATE), { recursive: true });
  const draft = await mkdtemp(`${TEMPLATE}-`);
  const database = await openDatabase({ url: `pglite:${path.join(draft, 'db')}`, migrations: {} });
  await database.close();
  await rename(path.join(draft, 'db'), TEMPLATE).catch(() => undefined); // another test was faster
  await rm(draft, { recursive: true });
  return TEMPLATE;
}

async function pglite(): Promise<DatabaseMaker> {
  const folder = await mkdtemp(path.join(tmpdir(), 'clean-room-pglite-'));
  let made = 0;
  return {
    make: async () => {
      const own = path.join(folder, `db${++made}`);
      await cp(await template(), own, { recursive: true });
      return `pglite:${own}`;
    },
    dispose: () => rm(folder, { recursive: true, force: true })
  };
}

async function postgres(): Promise<DatabaseMaker> {
  const server: PostgresServer = await startPostgres();
  return { make: () => server.createDatabase(), dispose: () => server.stop() };
}

/** Both kinds of database; what is true of one must be true of the other. */
export const DATABASES: readonly (readonly ['PGlite' | 'PostgreSQL', () => Promise<DatabaseMaker>])[] = [
  ['PGlite', pglite],
  ...(postgresIsHere() ? [['PostgreSQL', postgres] as const] : [])
];
