import { Kysely, PostgresDialect } from 'kysely';
import { readFile } from 'node:fs/promises';
import pg from 'pg';
import { PgBoss } from 'pg-boss';
import { systemErrorCode } from '@clean-room/node-support';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { BYTEA, INT8, QUEUE_OPTIONS, safeInteger, type Driver } from './driver.js';
import { parsePostgresUrl, shownAddress, type PostgresAddress } from './postgres-url.js';

type Parser = (text: string) => unknown;

/** Column parsers that return the same JavaScript values as PGlite. The parsers that the whole process shares stay unchanged. */
const types = {
  getTypeParser: (oid: Parameters<typeof pg.types.getTypeParser>[0]): Parser => {
    const parse = pg.types.getTypeParser(oid, 'text') as Parser;
    const type: number = oid;
    if (type === INT8) return safeInteger;
    if (type === BYTEA) return text => new Uint8Array(parse(text) as Buffer);
    return parse;
  }
};

/** Longest time to connect to the server, or to wait for a free connection. */
const CONNECT_TIMEOUT_MS = 3000;

async function readAuthorities(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    throw new CleanRoomError('not-found', `The certificate file ${file} of the database cannot be read.`, {
      remedy: 'Check that the file exists and that this program is allowed to read it.',
      cause
    });
  }
}

async function connectionOf(address: PostgresAddress) {
  const { host, port, user, password, database, transport, caFile } = address;
  const ssl =
    transport === 'tls'
      ? { rejectUnauthorized: true, ...(caFile === undefined ? {} : { ca: await readAuthorities(caFile) }) }
      : // Not undefined: the driver would then take settings from the environment.
        false;
  return {
    host,
    port,
    database,
    ssl,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    ...(user === undefined ? {} : { user }),
    ...(password === undefined ? {} : { password })
  };
}

/** Returns the error for a server that cannot be reached, or that refuses the connection. */
function connectionError(cause: unknown, address: PostgresAddress): CleanRoomError {
  const shown = shownAddress(address);
  const code = systemErrorCode(cause) ?? '';
  const refused = (message: string, remedy: string): CleanRoomError =>
    new CleanRoomError('unavailable', message, { remedy, cause });
  // https://www.postgresql.org/docs/15/errcodes-appendix.html
  if (code === '3D000') {
    return refused(`The database ${shown} does not exist.`, `Create it with "createdb ${address.database}".`);
  }
  if (code.startsWith('28')) {
    return refused(
      `The database ${shown} refused the user name or password.`,
      'Correct them in the configuration, in PGPASSWORD or in ~/.pgpass, and check pg_hba.conf of the server.'
    );
  }
  if (/CERT|SELF_SIGNED|UNABLE_TO_|ERR_TLS/.test(code)) {
    return refused(
      `The certificate of the database ${shown} is not valid for this server (${code}).`,
      'Set sslrootcert to the certificate of the authority that signed it, and use the host name in the certificate.'
    );
  }
  if (/^\d[0-9A-Z]{4}$/.test(code)) {
    return refused(
      `The database ${shown} refused the connection (${code}).`,
      'Look up the reason in the log of the PostgreSQL server.'
    );
  }
  return refused(
    `The database ${shown} cannot be reached.`,
    'Start PostgreSQL, or correct the address in the configuration.'
  );
}

/**
 * Opens a pool of at most ten connections to a PostgreSQL server, and makes the first connection.
 *
 * @throws CleanRoomError `malformed` or `not-found` for an address or certificate file that is not usable, `unavailable` when
 * the server cannot be reached within seconds or refuses the connection
 */
export async function openPostgres(url: string): Promise<Driver> {
  const address = parsePostgresUrl(url);
  const connection = await connectionOf(address);
  const pool = new pg.Pool({ ...connection, max: 10, types });
  // The pool replaces an idle connection that breaks. Without a listener, the error would end the process.
  pool.on('error', () => undefined);
  try {
    (await pool.connect()).release();
  } catch (cause) {
    await pool.end();
    throw connectionError(cause, address);
  }
  const db = new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) });
  return {
    kind: 'postgresql',
    db,
    createQueue: onError => {
      const boss = new PgBoss({ ...QUEUE_OPTIONS, ...connection, max: 4 });
      boss.on('error', onError);
      return boss;
    },
    close: () => pool.end()
  };
}
