import { Client } from '@clean-room/api';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { readSecretFile } from '../../platform/files/secret-file.js';
import type { CommandContext } from '../context.js';
import path from 'node:path';

const LOOPBACK = /^(localhost|[a-z0-9.-]+\.localhost|127(\.\d{1,3}){3}|\[::1\])$/;

function requireSafe(url: string, env: Readonly<Record<string, string | undefined>>): string {
  const { protocol, hostname } = URL.parse(url) ?? {};
  const safe =
    protocol === 'https:' ||
    (protocol === 'http:' && (LOOPBACK.test(hostname ?? '') || env['CLEAN_ROOM_ALLOW_PLAIN_HTTP'] === '1'));
  if (safe) return url;
  throw new CleanRoomError(
    'unavailable',
    `${url} is not an address that a credential can safely be sent to.`,
    {
      remedy: 'Use an https address. On a private network, set CLEAN_ROOM_ALLOW_PLAIN_HTTP=1.'
    }
  );
}

/** A client of the coordinator, from environment and settings. */
export interface CoordinatorConnection {
  readonly client: Client;
  /** The party acted for, where it was said. */
  readonly party: string | undefined;
}

/**
 * Address: `CLEAN_ROOM_URL`, else `url` of config.json. Credential: `CLEAN_ROOM_TOKEN`, else the file that
 * `CLEAN_ROOM_TOKEN_FILE` or `tokenFile` of config.json names; read anew for every call. Party: the command line,
 * `CLEAN_ROOM_PARTY`, else `party` of config.json.
 * @throws CleanRoomError `unavailable` when no address is known
 */
export async function connect(
  { terminal, home }: CommandContext,
  party?: string
): Promise<CoordinatorConnection> {
  const { env } = terminal;
  const config = await home.config();
  const url = env['CLEAN_ROOM_URL'] || config.url;
  if (url === undefined) {
    throw new CleanRoomError('unavailable', 'No clean room is set up for you yet.', {
      remedy: `Set CLEAN_ROOM_URL, or "url" in ${home.file('config.json')}.`
    });
  }
  const named = env['CLEAN_ROOM_TOKEN_FILE'] ? path.resolve(env['CLEAN_ROOM_TOKEN_FILE']) : undefined;
  const file =
    named ?? (config.tokenFile === undefined ? undefined : path.resolve(home.folder, config.tokenFile));
  const token = async (): Promise<string> => {
    if (env['CLEAN_ROOM_TOKEN']) return env['CLEAN_ROOM_TOKEN'].trim();
    if (file !== undefined) return readSecretFile(file);
    throw new CleanRoomError('unauthenticated', 'You have no credential for the clean room.', {
      remedy: 'Set CLEAN_ROOM_TOKEN_FILE to the file that holds it.'
    });
  };
  const acting = party ?? (env['CLEAN_ROOM_PARTY'] || config.party);
  return {
    client: new Client({
      base: requireSafe(url, env),
      token,
      ...(acting === undefined ? {} : { party: acting })
    }),
    party: acting
  };
}
