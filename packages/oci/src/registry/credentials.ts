import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { Type, type Static } from 'typebox';
import { checkSchema } from '@clean-room/protocol/documents';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { isMissing } from '../system-error.js';

/** A password, or a token that is exchanged for others (an OAuth refresh token). */
export type Credential =
  { readonly username: string; readonly password: string } | { readonly identityToken: string };

/** Finds who to be at a registry: `undefined` is nobody. */
export type Credentials = (host: string) => Promise<Credential | undefined>;

export const anonymous: Credentials = () => Promise.resolve(undefined);

const DockerConfig = Type.Object({
  auths: Type.Optional(
    Type.Record(
      Type.String(),
      Type.Object({
        auth: Type.Optional(Type.String()),
        identitytoken: Type.Optional(Type.String())
      })
    )
  ),
  credHelpers: Type.Optional(Type.Record(Type.String(), Type.String())),
  credsStore: Type.Optional(Type.String())
});
type DockerConfig = Static<typeof DockerConfig>;

const HelperAnswer = Type.Object({ Username: Type.String(), Secret: Type.String() });
/** What helpers put in the place of a name when the secret is a token. */
const TOKEN_USER = '<token>';
const HELPER_MS = 30_000;

async function readConfig(path: string): Promise<DockerConfig> {
  try {
    return checkSchema(DockerConfig, JSON.parse(await readFile(path, 'utf8')), 'Docker configuration');
  } catch (cause) {
    if (isMissing(cause)) return {};
    throw new CleanRoomError('malformed', `The Docker configuration ${path} can't be read.`, {
      remedy: 'Correct it, or log in again with "docker login".',
      cause
    });
  }
}

/** Asks `docker-credential-<name>`, whose protocol is: the host on stdin, JSON on stdout, an exit code. */
async function askHelper(name: string, host: string): Promise<Credential | undefined> {
  if (!/^[A-Za-z0-9._-]+$/.test(name))
    throw new CleanRoomError(
      'malformed',
      'The Docker configuration names a credential helper that can not exist.'
    );
  const helper = spawn(`docker-credential-${name}`, ['get'], {
    env: process.env,
    stdio: ['pipe', 'pipe', 'ignore']
  });
  const impatience = setTimeout(() => helper.kill(), HELPER_MS);
  const ended = new Promise<number | null>((resolve, reject) => {
    helper.on('error', reject);
    helper.on('close', resolve);
  });
  helper.stdin.on('error', () => undefined); // it may end without reading
  helper.stdin.end(host);
  try {
    const [answer, code] = await Promise.all([text(helper.stdout), ended]);
    if (code !== 0 && /credentials not found/i.test(answer)) return undefined;
    if (code !== 0) throw new Error(`exit code ${code}`);
    const { Username, Secret } = checkSchema(
      HelperAnswer,
      JSON.parse(answer),
      'answer of the credential helper'
    );
    return Username === TOKEN_USER ? { identityToken: Secret } : { username: Username, password: Secret };
  } catch (cause) {
    throw new CleanRoomError(
      'registry-failed',
      `docker-credential-${name} gave no credentials for ${host}.`,
      {
        remedy: `Log in with "docker login ${host}".`,
        cause
      }
    );
  } finally {
    clearTimeout(impatience);
  }
}

function storedIn(config: DockerConfig, host: string): Credential | undefined {
  const entries = Object.entries(config.auths ?? {});
  const found = entries.find(([key]) => key.replace(/^https?:\/\//, '').replace(/\/.*$/, '') === host)?.[1];
  if (found === undefined) return undefined;
  if (found.identitytoken !== undefined && found.identitytoken !== '')
    return { identityToken: found.identitytoken };
  const plain = Buffer.from(found.auth ?? '', 'base64').toString();
  const colon = plain.indexOf(':');
  if (colon < 1) return undefined;
  return { username: plain.slice(0, colon), password: plain.slice(colon + 1) };
}

/**
 * The credentials that `docker login` keeps: in `$DOCKER_CONFIG/config.json` or `~/.docker/config.json`, or behind the
 * credential helper that it names.
 * @throws CleanRoomError `malformed`, `registry-failed` when a helper fails
 */
export function dockerCredentials(
  folder = process.env['DOCKER_CONFIG'] ?? join(homedir(), '.docker')
): Credentials {
  return async host => {
    const config = await readConfig(join(folder, 'config.json'));
    const helper = config.credHelpers?.[host] ?? config.credsStore;
    if (helper !== undefined && helper !== '') {
      const found = await askHelper(helper, host);
      if (found !== undefined) return found;
    }
    return storedIn(config, host);
  };
}
