import { execFile, execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const BIN = '/usr/lib/postgresql/15/bin';

async function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}

/** Runs a program of PostgreSQL, which refuses to run as root. Then it runs as the user that the Debian package created. */
async function asServerUser(program: string, args: readonly string[]): Promise<void> {
  const command = path.join(BIN, program);
  if (process.getuid?.() === 0) await run('runuser', ['-u', 'postgres', '--', command, ...args]);
  else await run(command, args);
}

/** A PostgreSQL server for tests. */
export interface PostgresServer {
  /** Creates an empty database and returns its URL. */
  createDatabase(): Promise<string>;
  stop(): Promise<void>;
}

/** Returns whether Debian's postgresql-15 is installed. In CI it is required; elsewhere its tests are skipped. */
export function isPostgresInstalled(): boolean {
  const installed = existsSync(path.join(BIN, 'initdb'));
  if (!installed && process.env['CI'] === 'true') throw new Error('postgresql-15 is not installed');
  if (!installed) process.stderr.write('skipped on PostgreSQL: install postgresql-15 to run these tests\n');
  return installed;
}

/** Starts a PostgreSQL server on a free port, with its data in a temporary folder. */
export async function startPostgres(): Promise<PostgresServer> {
  const folder = await mkdtemp(path.join(tmpdir(), 'clean-room-postgres-'));
  if (process.getuid?.() === 0) {
    await chmod(folder, 0o755);
    execFileSync('chown', ['postgres', folder]);
  }
  const data = path.join(folder, 'data');
  const port = await freePort();
  await asServerUser('initdb', ['-D', data, '-U', 'postgres', '-A', 'trust', '-N', '-E', 'UTF8']);
  const options = `-p ${port} -k ${folder} -h 127.0.0.1 -c max_connections=60`;
  await asServerUser('pg_ctl', ['-D', data, '-l', path.join(folder, 'log'), '-o', options, '-w', 'start']);
  let count = 0;
  const address = (database: string): string => `postgres://postgres@127.0.0.1:${port}/${database}`;
  return {
    createDatabase: async () => {
      const name = `test${++count}`;
      const { default: pg } = await import('pg');
      const client = new pg.Client({ connectionString: address('postgres') });
      await client.connect();
      await client.query(`create database ${name}`);
      await client.end();
      return address(name);
    },
    stop: async () => {
      await asServerUser('pg_ctl', ['-D', data, '-m', 'immediate', '-w', 'stop']);
      await rm(folder, { recursive: true, force: true });
    }
  };
}
