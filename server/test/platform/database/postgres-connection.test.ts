import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { sql } from 'kysely';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openDatabase } from '../../../src/platform/database/database.js';
import { parsePostgresUrl } from '../../../src/platform/database/postgres-url.js';
import { JobQueue } from '../../../src/platform/database/queue.js';
import {
  isPostgresInstalled,
  makeCertificate,
  startPostgres,
  type PostgresServer
} from '../../support/postgres.js';

describe('the address of a PostgreSQL database', () => {
  test.each([
    [
      'postgres://ada:p%40ss@db.example:5433/data',
      { host: 'db.example', port: 5433, user: 'ada', password: 'p@ss', transport: 'plain' }
    ],
    [
      'postgresql://ada@[::1]/data',
      { host: '::1', port: 5432, user: 'ada', password: undefined, transport: 'plain' }
    ],
    [
      'postgres://ada@/data?host=/run/postgresql',
      { host: '/run/postgresql', port: 5432, transport: 'socket' }
    ],
    [
      'postgres://ada@:5433/data?host=/run/postgresql',
      { host: '/run/postgresql', port: 5433, transport: 'socket' }
    ],
    [
      'postgres:///data?host=/run/postgresql',
      { host: '/run/postgresql', user: undefined, transport: 'socket' }
    ],
    ['postgres://ada@%2Frun%2Fpostgresql/data', { host: '/run/postgresql', transport: 'socket' }],
    [
      'postgres://ada@db.example/data?sslmode=verify-full&sslrootcert=/ca.pem',
      { transport: 'tls', caFile: '/ca.pem' }
    ],
    ['postgres://ada@db.example/data?sslmode=verify-full', { transport: 'tls', caFile: undefined }]
  ])('%s is understood', (url, expected) => {
    expect(parsePostgresUrl(url)).toMatchObject({ database: 'data', ...expected });
  });

  test('is not repeated in an error, because it may contain a password', () => {
    expect(() => parsePostgresUrl('postgres://ada:secret@host:port/data')).toThrow(
      expect.objectContaining({ code: 'malformed', message: expect.not.stringContaining('secret') })
    );
  });
});

(isPostgresInstalled() ? describe : describe.skip)('a connection to PostgreSQL', () => {
  let folder: string;
  let server: PostgresServer;
  const open = (url: string) => openDatabase({ url, migrations: {} });

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'clean-room-tls-'));
    server = await startPostgres(makeCertificate(folder));
  }, 60_000);
  afterAll(async () => {
    await server.stop();
    await rm(folder, { recursive: true });
  }, 60_000);

  test('by TLS encrypts every connection, those of the job queue too', async () => {
    const database = await open(await server.createDatabase('tls'));
    const queue = new JobQueue<{ greet: { name: string } }>(database.createQueue(() => undefined));
    await queue.start({ greet: { expireInSeconds: 10, retryLimit: 2 } });
    const { rows } = await sql<{ ssl: boolean }>`
      select ssl from pg_stat_ssl join pg_stat_activity using (pid)
      where datname = current_database() and backend_type = 'client backend'`.execute(database.db);
    await queue.stop();
    await database.close();
    expect(rows.length).toBeGreaterThan(1);
    expect(rows.every(({ ssl }) => ssl)).toBe(true);
  }, 60_000);

  test('by TLS is refused when another authority signed the certificate', async () => {
    const other = makeCertificate(folder, 'other');
    const url = new URL(await server.createDatabase('tls'));
    url.searchParams.set('sslrootcert', other.ca);
    await expect(open(url.href)).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('certificate'),
      remedy: expect.stringContaining('sslrootcert')
    });
    url.searchParams.delete('sslrootcert');
    await expect(open(url.href)).rejects.toMatchObject({ message: expect.stringContaining('certificate') });
  }, 60_000);

  test('by TLS is refused when the certificate is for another host', async () => {
    const url = (await server.createDatabase('tls')).replace('localhost', '127.0.0.1');
    await expect(open(url)).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('ERR_TLS_CERT_ALTNAME_INVALID')
    });
  }, 60_000);

  test('by TLS is refused when the server has no certificate, and no query is sent in clear', async () => {
    const received: Buffer[] = [];
    // Answers the request for TLS with "N": not supported.
    const plain = createServer(socket => {
      socket.on('data', data => {
        received.push(data);
        socket.write('N');
      });
      socket.on('error', () => undefined);
    }).listen(0, '127.0.0.1');
    await new Promise(resolve => plain.once('listening', resolve));
    const { port } = plain.address() as { port: number };
    await expect(
      open(`postgres://ada:secret@localhost:${port}/data?sslmode=verify-full`)
    ).rejects.toMatchObject({ code: 'unavailable' });
    expect(Buffer.concat(received).length).toBe(8);
    plain.close();
  }, 60_000);

  test('by TLS is refused when the file of the authority cannot be read', async () => {
    const url = new URL(await server.createDatabase('tls'));
    url.searchParams.set('sslrootcert', path.join(folder, 'none.pem'));
    await expect(open(url.href)).rejects.toMatchObject({
      code: 'not-found',
      message: expect.stringContaining('none.pem')
    });
  });

  test('by Unix socket works, and uses no network', async () => {
    const database = await open(await server.createDatabase('socket'));
    const { rows } = await sql<{ address: string | null }>`select inet_client_addr() as address`.execute(
      database.db
    );
    await database.close();
    expect(rows).toEqual([{ address: null }]);
  }, 60_000);

  test('is refused when the database does not exist, with the command that creates it', async () => {
    const url = (await server.createDatabase()).replace(/[^/]+$/, 'nowhere');
    await expect(open(url)).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('does not exist'),
      remedy: expect.stringContaining('createdb nowhere')
    });
  }, 60_000);
});
