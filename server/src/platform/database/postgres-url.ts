import { CleanRoomError } from '@clean-room/protocol/errors';

/** The address of a PostgreSQL database, and how the connection to it is protected. */
export interface PostgresAddress {
  /** Host name, IP address, or folder of the Unix socket. */
  readonly host: string;
  readonly port: number;
  readonly user: string | undefined;
  /** Without it, the driver reads `PGPASSWORD` or `~/.pgpass`. */
  readonly password: string | undefined;
  readonly database: string;
  readonly transport: 'socket' | 'tls' | 'plain';
  /** File with the certificates of the authorities that may have signed the server's certificate. */
  readonly caFile: string | undefined;
}

const REMEDY =
  'Write "postgres://user@host/database?sslmode=verify-full&sslrootcert=<file>", or "postgres://user@/database?host=<folder of the Unix socket>".';
const PARAMETERS = ['host', 'sslmode', 'sslrootcert'];
const DEFAULT_PORT = 5432;
/** The host in URLs without one, such as `postgres://user@/database?host=/run/postgresql`. */
const NO_HOST = 'none.invalid';

function malformed(message: string, cause?: unknown): CleanRoomError {
  return new CleanRoomError('malformed', message, { remedy: REMEDY, cause });
}

function parse(url: string): URL {
  try {
    return new URL(
      url.replace(/^(postgres(?:ql)?:\/\/(?:[^/?#]*@(?=:)|(?:[^/?#]*@)?(?=[/?#]|$)))/, `$1${NO_HOST}`)
    );
  } catch (cause) {
    // The URL is not repeated, because it may contain a password.
    throw malformed('The address of the PostgreSQL database is not a valid URL.', cause);
  }
}

function text(encoded: string): string | undefined {
  return encoded === '' ? undefined : decodeURIComponent(encoded);
}

/** Returns `host:port/database`, as shown in messages. */
export function shownAddress({ host, port, database, transport }: PostgresAddress): string {
  return transport === 'socket' ? `${host} (${database})` : `${host}:${port}/${database}`;
}

/**
 * Reads the address of a PostgreSQL database. `sslmode` is `verify-full`, or `disable` for a connection without TLS, which
 * is the default. Modes that accept any certificate are refused, because they look safer than they are.
 *
 * @throws CleanRoomError `malformed`
 */
export function parsePostgresUrl(url: string): PostgresAddress {
  const { protocol, hostname, port, username, password, pathname, searchParams } = parse(url);
  if (!/^postgres(?:ql)?:$/.test(protocol)) throw malformed('The address of the database has another form.');
  const unknown = [...searchParams.keys()].find(name => !PARAMETERS.includes(name));
  if (unknown !== undefined) {
    throw malformed(`The address of the PostgreSQL database has the unknown parameter "${unknown}".`);
  }
  const mode = searchParams.get('sslmode') ?? 'disable';
  if (mode !== 'disable' && mode !== 'verify-full') {
    throw malformed(
      `The address of the PostgreSQL database has sslmode=${mode}, which accepts a server without checking its certificate and name.`
    );
  }
  const own = hostname === NO_HOST ? '' : decodeURIComponent(hostname);
  const host = (searchParams.get('host') ?? own).replace(/^\[(.*)\]$/, '$1');
  const database = text(pathname.slice(1));
  if (host === '' || database === undefined) {
    throw malformed('The address of the PostgreSQL database does not name a host and a database.');
  }
  const socket = host.startsWith('/');
  const transport = socket ? 'socket' : mode === 'disable' ? 'plain' : 'tls';
  const caFile = searchParams.get('sslrootcert') ?? undefined;
  if (transport !== 'tls' && (caFile !== undefined || mode !== 'disable')) {
    throw malformed('The address of the PostgreSQL database has settings for TLS, but does not use TLS.');
  }
  return {
    host,
    port: port === '' ? DEFAULT_PORT : Number(port),
    user: text(username),
    password: text(password),
    database,
    transport,
    caFile
  };
}

/**
 * Checks that the network between this server and its database cannot read or change what is sent.
 *
 * @param from - where the configuration comes from, for the message
 * @throws CleanRoomError `forbidden` for a connection without TLS that is not a Unix socket, `malformed`
 */
export function requireProtectedConnection(url: string, from: string): void {
  if (parsePostgresUrl(url).transport !== 'plain') return;
  throw new CleanRoomError(
    'forbidden',
    `${from} configures a connection to PostgreSQL without TLS. This is not allowed in production.`,
    { remedy: REMEDY }
  );
}
