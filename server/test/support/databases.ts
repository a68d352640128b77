import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { postgresIsHere, startPostgres, type PostgresServer } from './postgres.js';

export interface DatabaseMaker {
  /** The address of a new, empty database. */
  make(): Promise<string>;
  dispose(): Promise<void>;
}

/** Both kinds of database; what is true of one must be true of the other. */
export const DATABASES: readonly (readonly ['PGlite' | 'PostgreSQL', () => Promise<DatabaseMaker>])[] = [
  [
    'PGlite',
    async () => {
      const folder = await mkdtemp(path.join(tmpdir(), 'clean-room-pglite-'));
      let made = 0;
      return {
        make: async () => `pglite:${path.join(folder, `db${++made}`)}`,
        dispose: () => rm(folder, { recursive: true, force: true })
      };
    }
  ],
  ...(postgresIsHere()
    ? [
        [
          'PostgreSQL',
          async (): Promise<DatabaseMaker> => {
            const server: PostgresServer = await startPostgres();
            return { make: () => server.createDatabase(), dispose: () => server.stop() };
          }
        ] as const
      ]
    : [])
];
