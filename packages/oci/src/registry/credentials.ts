import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { Type, type Static } from 'typebox';
import { isMissing } from '@clean-room/node-support';
import { checkSchema } from '@clean-room/protocol/documents';
import { CleanRoomError } from '@clean-room/protocol/errors';

/** A user name and password, or an OAuth refresh token that is exchanged for access tokens. */
export type Credential =
  { readonly username: string; readonly password: string } | { readonly identityToken: string };

/** Returns the credential for a registry's host, or undefined to call the registry anonymously. */
export type Credentials = (host: string) => Promise<Credential | undefined>;

/** Calls every registry anonymously. */
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

const HelperResponse = Type.Object({ Username: Type.String(), Secret: Type.String() });
/** The user name that a helper returns if the secret is a refresh token. */
const TOKEN_USER = '<token>';
const HELPER_TIMEOUT_MS = 30_000;

async function readConfig(path: string): Promise<DockerConfig> {
  try {
    return checkSchema(DockerConfig, JSON.parse(await readFile(path, 'utf8')), 'Docker configuration');
  } catch (cause) {
    if (isMissing(cause)) return {};
    throw new CleanRoomError('malformed', `The Docker configuration ${path} cannot be read.`, {
      remedy: 'Correct it, or log in again with "docker login".',
      cause
    });
  }
}

/** Calls `docker-credential-<name>`, which reads the host from stdin and writes JSON to stdout. */
async function askHelper(name: string, host: string): Promise<Credential | undefined> {
  if (!/^[A-Za-z0-9._-]+$/.test(name))
    throw new CleanRoomError(
      'malformed',
      'The Docker configuration contains an invalid name of a credential helper.'
    );
  const helper = spawn(`docker-credential-${name}`, ['get'], {
    env: process.env,
    stdio: ['pipe', 'pipe', 'ignore']
  });
  const timeout = setTimeout(() => helper.kill(), HELPER_TIMEOUT_MS);
  const ended = new Promise<number | null>((resolve, reject) => {
    helper.on('error', reject);
    helper.on('close', resolve);
  });
  helper.stdin.on('error', () => undefined); // the helper may exit without reading its input
  helper.stdin.end(host);
  try {
    const [answer, code] = await Promise.all([text(helper.stdout), ended]);
    if (code !== 0 && /credentials not found/i.test(answer)) return undefined;
    if (code !== 0) throw new Error(`exit code ${code}`);
    const { Username, Secret } = checkSchema(
      HelperResponse,
      JSON.parse(answer),
      'answer of the credential helper'
    );
    return Username === TOKEN_USER ? { identityToken: Secret } : { username: Username, password: Secret };
  } catch (cause) {
    throw new CleanRoomError(
      'registry-failed',
      `docker-credential-${name} did not return credentials for ${host}.`,
      {
        remedy: `Log in with "docker login ${host}".`,
        cause
      }
    );
  } finally {
    clearTimeout(timeout);
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
 * Returns a lookup of the credentials that `docker login` stores: in `$DOCKER_CONFIG/config.json` or
 * `~/.docker/config.json`, or in the credential helper named there.
 *
 * @param folder - the folder of `config.json`
 * @throws CleanRoomError `malformed` if the configuration is invalid, `registry-failed` if a helper fails; both from the
 * lookup
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
