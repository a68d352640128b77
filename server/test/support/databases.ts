import { cp, mkdir, mkdtemp, rename, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { openDatabase } from '../../src/platform/database/database.js';
import { isPostgresInstalled, startPostgres, type PostgresServer } from './postgres.js';

/** Creates databases of one kind. */
export interface DatabaseFactory {
  /** Creates an empty database and returns its URL. */
  create(): Promise<string>;
  dispose(): Promise<void>;
}

const TEMPLATE = fileURLToPath(new URL('../../../.cache/server/pglite-template', import.meta.url));

/** Returns an empty PGlite folder, which is copied for each database, because creating one takes seconds. */
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
  await rename(path.join(draft, 'db'), TEMPLATE).catch(() => undefined); // Another test created it first.
  await rm(draft, { recursive: true });
  return TEMPLATE;
}

async function pglite(): Promise<DatabaseFactory> {
  const folder = await mkdtemp(path.join(tmpdir(), 'clean-room-pglite-'));
  let count = 0;
  return {
    create: async () => {
      const own = path.join(folder, `db${++count}`);
      await cp(await template(), own, { recursive: true });
      return `pglite:${own}`;
    },
    dispose: () => rm(folder, { recursive: true, force: true })
  };
}

async function postgres(): Promise<DatabaseFactory> {
  const server: PostgresServer = await startPostgres();
  return { create: () => server.createDatabase(), dispose: () => server.stop() };
}

/** Both kinds of database, for tests that must pass on each. PostgreSQL is left out where it is not installed. */
export const DATABASES: readonly (readonly ['PGlite' | 'PostgreSQL', () => Promise<DatabaseFactory>])[] = [
  ['PGlite', pglite],
  ...(isPostgresInstalled() ? [['PostgreSQL', postgres] as const] : [])
];
