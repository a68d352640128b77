import { execFile, execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, copyFile, mkdtemp, rm } from 'node:fs/promises';
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

/** How a test connects to the server. */
type Transport = 'plain' | 'socket' | 'tls';

/** A PostgreSQL server for tests. */
export interface PostgresServer {
  /** Creates an empty database and returns its URL. Connections by TLS need a server that was started with a certificate. */
  createDatabase(transport?: Transport): Promise<string>;
  stop(): Promise<void>;
}

/** Returns whether Debian's postgresql-15 is installed. In CI it is required; elsewhere its tests are skipped. */
export function isPostgresInstalled(): boolean {
  const installed = existsSync(path.join(BIN, 'initdb'));
  if (!installed && process.env['CI'] === 'true') throw new Error('postgresql-15 is not installed');
  if (!installed) process.stderr.write('skipped on PostgreSQL: install postgresql-15 to run these tests\n');
  return installed;
}

/** The files of a server's certificate. */
export interface ServerCertificate {
  /** The certificate of the authority that signed it. */
  readonly ca: string;
  readonly certificate: string;
  readonly key: string;
}

/**
 * Makes an authority and a certificate for a server.
 *
 * @param name - the host name in the certificate
 */
export function makeCertificate(folder: string, name = 'localhost'): ServerCertificate {
  const at = (file: string): string => path.join(folder, `${name}.${file}`);
  const openssl = (...args: string[]): void => {
    execFileSync('openssl', args, { stdio: 'ignore' });
  };
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
  openssl(
    'req',
    '-x509',
    ...newKey,
    '-subj',
    '/CN=test authority',
    '-keyout',
    at('ca.key'),
    '-out',
    at('ca.pem')
  );
  const issuer = ['-CA', at('ca.pem'), '-CAkey', at('ca.key')];
  const names = ['-subj', `/CN=${name}`, '-addext', `subjectAltName=DNS:${name}`];
  openssl('req', '-x509', ...newKey, ...issuer, ...names, '-keyout', at('key'), '-out', at('pem'));
  return { ca: at('ca.pem'), certificate: at('pem'), key: at('key') };
}

/** Copies files to where the server's user can read them, as PostgreSQL demands of a key. */
async function tlsOptions(folder: string, { certificate, key }: ServerCertificate): Promise<string> {
  const [own, ownKey] = [path.join(folder, 'server.pem'), path.join(folder, 'server.key')];
  await copyFile(certificate, own);
  await copyFile(key, ownKey);
  await chmod(ownKey, 0o600);
  if (process.getuid?.() === 0) execFileSync('chown', ['postgres', own, ownKey]);
  return ` -c ssl=on -c ssl_cert_file=${own} -c ssl_key_file=${ownKey}`;
}

/**
 * Starts a PostgreSQL server on a free port, with its data in a temporary folder.
 *
 * @param certificate - the certificate for connections by TLS; without it, there are none
 */
export async function startPostgres(certificate?: ServerCertificate): Promise<PostgresServer> {
  const folder = await mkdtemp(path.join(tmpdir(), 'clean-room-postgres-'));
  if (process.getuid?.() === 0) {
    await chmod(folder, 0o755);
    execFileSync('chown', ['postgres', folder]);
  }
  const data = path.join(folder, 'data');
  const port = await freePort();
  await asServerUser('initdb', ['-D', data, '-U', 'postgres', '-A', 'trust', '-N', '-E', 'UTF8']);
  const tls = certificate === undefined ? '' : await tlsOptions(folder, certificate);
  const options = `-p ${port} -k ${folder} -h 127.0.0.1 -c max_connections=60${tls}`;
  await asServerUser('pg_ctl', ['-D', data, '-l', path.join(folder, 'log'), '-o', options, '-w', 'start']);
  let count = 0;
  const address = (database: string, transport: Transport): string => {
    if (transport === 'socket') return `postgres://postgres@:${port}/${database}?host=${folder}`;
    if (transport === 'plain') return `postgres://postgres@127.0.0.1:${port}/${database}`;
    return `postgres://postgres@localhost:${port}/${database}?sslmode=verify-full&sslrootcert=${certificate?.ca ?? ''}`;
  };
  return {
    createDatabase: async (transport = 'plain') => {
      const name = `test${++count}`;
      const { default: pg } = await import('pg');
      const client = new pg.Client({ connectionString: address('postgres', 'plain') });
      await client.connect();
      await client.query(`create database ${name}`);
      await client.end();
      return address(name, transport);
    },
    stop: async () => {
      await asServerUser('pg_ctl', ['-D', data, '-m', 'immediate', '-w', 'stop']);
      await rm(folder, { recursive: true, force: true });
    }
  };
}
