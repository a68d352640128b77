import path from 'node:path';
import { Client } from '@clean-room/api';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { readSecretFile } from '../../platform/files/secret-file.js';
import type { CommandContext } from '../context.js';

const LOOPBACK = /^(localhost|[a-z0-9.-]+\.localhost|127(\.\d{1,3}){3}|\[::1\])$/;

/** Refuses to send a credential over an unencrypted connection to another machine. */
function requireSafeAddress(url: string, env: Readonly<Record<string, string | undefined>>): string {
  const { protocol, hostname } = URL.parse(url) ?? {};
  const safe =
    protocol === 'https:' ||
    (protocol === 'http:' && (LOOPBACK.test(hostname ?? '') || env['CLEAN_ROOM_ALLOW_PLAIN_HTTP'] === '1'));
  if (safe) return url;
  throw new CleanRoomError(
    'unavailable',
    `It is not safe to send a credential to ${url}, because the connection is not encrypted.`,
    {
      remedy: 'Use an https address. On a private network, you can set CLEAN_ROOM_ALLOW_PLAIN_HTTP=1.'
    }
  );
}

/** A connection to the coordinator. */
export interface CoordinatorConnection {
  readonly client: Client;
  /** The party that the user acts for, if it is known. */
  readonly party: string | undefined;
}

/**
 * Creates a client of the coordinator from the environment and `config.json`.
 *
 * - Address: `CLEAN_ROOM_URL`, or `url` in `config.json`.
 * - Credential: `CLEAN_ROOM_TOKEN`, or the file that `CLEAN_ROOM_TOKEN_FILE` or `tokenFile` in `config.json` names. It is read
 *   for every call, so that it can be renewed while a command runs.
 * - Party: the command line, `CLEAN_ROOM_PARTY`, or `party` in `config.json`.
 *
 * @throws CleanRoomError `unavailable` when no address is configured or the address is not safe
 */
export async function connect(
  { terminal, home }: CommandContext,
  party?: string
): Promise<CoordinatorConnection> {
  const { env } = terminal;
  const config = await home.config();
  const url = env['CLEAN_ROOM_URL'] || config.url;
  if (url === undefined) {
    throw new CleanRoomError('unavailable', 'The address of the clean room is not configured.', {
      remedy: `Set CLEAN_ROOM_URL, or "url" in ${home.file('config.json')}.`
    });
  }
  const fileFromEnvironment = env['CLEAN_ROOM_TOKEN_FILE']
    ? path.resolve(env['CLEAN_ROOM_TOKEN_FILE'])
    : undefined;
  const file =
    fileFromEnvironment ??
    (config.tokenFile === undefined ? undefined : path.resolve(home.folder, config.tokenFile));
  const token = async (): Promise<string> => {
    if (env['CLEAN_ROOM_TOKEN']) return env['CLEAN_ROOM_TOKEN'].trim();
    if (file !== undefined) return readSecretFile(file);
    throw new CleanRoomError('unauthenticated', 'You have no credential for the clean room.', {
      remedy: 'Set CLEAN_ROOM_TOKEN_FILE to the file that contains it.'
    });
  };
  const acting = party ?? (env['CLEAN_ROOM_PARTY'] || config.party);
  return {
    client: new Client({
      base: requireSafeAddress(url, env),
      token,
      ...(acting === undefined ? {} : { party: acting })
    }),
    party: acting
  };
}
