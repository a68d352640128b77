import { lookup } from 'node:dns/promises';
import { readFile } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import { sql, type Kysely } from 'kysely';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { runsCoordinator } from '../platform/running-coordinators.js';
import type { CustodianConfig } from './config.js';

function throwShared(what: string): never {
  throw new CleanRoomError(
    'forbidden',
    `The custodian shares its ${what} with the coordinator, but its configuration does not say so. It was not started.`,
    {
      remedy: `Give the custodian a ${what} of its own, or set "hosting" to "co-hosted" here and in the party’s roster. Data for hardware then cannot be approved.`
    }
  );
}

/** Returns whether a host name refers to the machine of this process. */
async function isThisMachine(host: string): Promise<boolean> {
  const own = new Set(
    Object.values(networkInterfaces()).flatMap(addresses => addresses?.map(({ address }) => address) ?? [])
  );
  const found = await lookup(host, { all: true }).catch(() => []);
  return found.some(({ address }) => own.has(address) || address.startsWith('127.') || address === '::1');
}

/** The state of a listening socket in `/proc/net/tcp`. */
const LISTENING = '0A';

/**
 * Returns the users whose processes listen on a TCP port of this machine. The list is empty where Linux's `/proc` is absent.
 * Format: https://docs.kernel.org/networking/proc_net_tcp.html
 */
async function usersListeningOn(port: number): Promise<number[]> {
  const tables = await Promise.all(
    ['/proc/net/tcp', '/proc/net/tcp6'].map(file => readFile(file, 'utf8').catch(() => ''))
  );
  return tables.flatMap(table =>
    table.split('\n').flatMap(line => {
      const [, local = '', , state, , , , user] = line.trim().split(/\s+/);
      const samePort = Number.parseInt(local.split(':')[1] ?? '', 16) === port;
      return samePort && state === LISTENING && user !== undefined ? [Number(user)] : [];
    })
  );
}

/**
 * Checks that a custodian which is not declared as co-hosted does not run in the process of a coordinator or as its user. The
 * user is known only if the coordinator's address is one of this machine.
 *
 * @throws CleanRoomError `forbidden`
 */
export async function requireOwnProcess({ hosting, coordinator }: CustodianConfig): Promise<void> {
  if (hosting === 'co-hosted') return;
  if (runsCoordinator()) throwShared('process');
  const { hostname, port, protocol } = new URL(coordinator);
  if (!(await isThisMachine(hostname.replace(/^\[|\]$/g, '')))) return;
  const users = await usersListeningOn(port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port));
  if (users.includes(process.getuid?.() ?? -1)) throwShared('operating system user');
}

/**
 * Checks that a database does not belong to a coordinator. Both roles in one database cannot work, so declaring it does not
 * help.
 *
 * @throws CleanRoomError `forbidden`
 */
export async function requireOwnDatabase(db: Kysely<unknown>): Promise<void> {
  const { rows } = await sql<{
    found: boolean;
  }>`select to_regclass('log_entry') is not null as found`.execute(db);
  if (rows[0]?.found !== true) return;
  throw new CleanRoomError(
    'forbidden',
    'The custodian’s database is the one of a coordinator. The custodian was not started, and nothing in it was changed.',
    { remedy: 'Give the custodian a database of its own in "database".' }
  );
}
