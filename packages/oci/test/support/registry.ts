import { execFileSync, spawn } from 'node:child_process';
import { createSign, randomUUID, X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTcpServer, type AddressInfo, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';

/** A real registry on a port of this machine. */
export interface Registry {
  readonly host: string;
  stop(): Promise<void>;
}

async function freePort(): Promise<number> {
  const server = createTcpServer().listen(0, '127.0.0.1');
  await new Promise(resolve => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  await closed(server);
  return port;
}

/** Closes a server. */
export function closed(server: Server): Promise<void> {
  return new Promise(resolve => server.close(() => resolve()));
}

/**
 * Starts Debian's docker-registry (distribution 2.8).
 *
 * @param auth - returns the `auth` part of its configuration, given a folder for its files
 * @param deletion - whether it allows that images are deleted
 */
export async function startRegistry(auth?: (folder: string) => object, deletion = true): Promise<Registry> {
  const folder = mkdtempSync(join(tmpdir(), 'registry-'));
  const host = `127.0.0.1:${await freePort()}`;
  const configuration = {
    version: 0.1,
    log: { level: 'error', accesslog: { disabled: true } },
    storage: { filesystem: { rootdirectory: join(folder, 'data') }, delete: { enabled: deletion } },
    http: { addr: host, secret: randomUUID() },
    ...(auth === undefined ? {} : { auth: auth(folder) })
  };
  // JSON is valid YAML.
  writeFileSync(join(folder, 'config.yml'), JSON.stringify(configuration));
  const child = spawn('docker-registry', ['serve', join(folder, 'config.yml')], { stdio: 'ignore' });
  const ended = new Promise<void>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', () => resolve());
  });
  ended.catch(() => undefined);
  for (let tries = 0; ; tries++) {
    const answers = await fetch(`http://${host}/v2/`).then(
      () => true,
      () => false
    );
    if (answers) break;
    if (tries > 200 || child.exitCode !== null) {
      child.kill();
      throw new Error('docker-registry did not start: apt-get install docker-registry');
    }
    await setTimeout(50);
  }
  return {
    host,
    async stop() {
      child.kill();
      await ended;
      rmSync(folder, { recursive: true });
    }
  };
}

/** A line of htpasswd: the bcrypt hash of "correct horse". */
const PASSWORD_LINE = 'ada:$2b$05$5zFVvtmR40GLgkqOu6PEDezkdXEFdCMEHJYwetGOX1wlfymbQFKFa';

/** The only user of the registries that require authentication. */
export const ADA = { username: 'ada', password: 'correct horse' };

/** Starts a registry that requires ADA's password. */
export function startPasswordRegistry(): Promise<Registry> {
  return startRegistry(folder => {
    writeFileSync(join(folder, 'htpasswd'), `${PASSWORD_LINE}\n`);
    return { htpasswd: { realm: 'a test', path: join(folder, 'htpasswd') } };
  });
}

/** A registry that requires tokens. */
export interface TokenRegistry extends Registry {
  /** The requests for tokens so far, with their scopes and credentials. */
  readonly tokenRequests: {
    readonly scopes: readonly string[];
    readonly authorization: string | undefined;
  }[];
  /** The lifetime of tokens issued from now on, in seconds. */
  seconds: number;
}

function base64url(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

/** Starts a registry that requires tokens, and the token service that issues them to ADA. */
export async function startTokenRegistry(): Promise<TokenRegistry> {
  const folder = mkdtempSync(join(tmpdir(), 'tokens-'));
  const [key, certificate] = [join(folder, 'key.pem'), join(folder, 'certificate.pem')];
  execFileSync(
    'openssl',
    [
      'req',
      '-x509',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-days',
      '30',
      '-subj',
      '/CN=tokens',
      '-keyout',
      key,
      '-out',
      certificate
    ],
    { stdio: 'ignore' }
  );
  const x5c = [new X509Certificate(readFileSync(certificate)).raw.toString('base64')];
  const tokenRequests: TokenRegistry['tokenRequests'] = [];
  const state = { seconds: 300 };

  const issueToken = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const url = new URL(request.url ?? '/', 'http://tokens');
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const form = new URLSearchParams(Buffer.concat(chunks).toString());
    const scopes =
      request.method === 'POST' ? (form.get('scope') ?? '').split(' ') : url.searchParams.getAll('scope');
    const { authorization } = request.headers;
    tokenRequests.push({ scopes, authorization });
    const isAda =
      authorization === `Basic ${Buffer.from(`${ADA.username}:${ADA.password}`).toString('base64')}` ||
      form.get('refresh_token') === 'a refresh token';
    if (!isAda) {
      response.writeHead(401).end('{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}');
      return;
    }
    const now = Math.floor(Date.now() / 1000);
    const access = scopes.map(scope => {
      const [type, name, actions = ''] = scope.split(':');
      return { type, name, actions: actions.split(',') };
    });
    const claims = {
      iss: 'tokens',
      sub: 'ada',
      aud: 'a registry',
      iat: now,
      nbf: now - 5,
      exp: now + 300,
      jti: randomUUID(),
      access
    };
    const signed = `${base64url({ typ: 'JWT', alg: 'RS256', x5c })}.${base64url(claims)}`;
    const signature = createSign('RSA-SHA256').update(signed).sign(readFileSync(key), 'base64url');
    response.end(JSON.stringify({ token: `${signed}.${signature}`, expires_in: state.seconds }));
  };
  const tokens = createServer((request, response) => void issueToken(request, response)).listen(
    0,
    '127.0.0.1'
  );
  await new Promise(resolve => tokens.once('listening', resolve));
  const realm = `http://127.0.0.1:${(tokens.address() as AddressInfo).port}/token`;

  const registry = await startRegistry(() => ({
    token: { realm, service: 'a registry', issuer: 'tokens', rootcertbundle: certificate }
  }));
  return {
    host: registry.host,
    tokenRequests,
    get seconds() {
      return state.seconds;
    },
    set seconds(value) {
      state.seconds = value;
    },
    async stop() {
      await registry.stop();
      tokens.closeAllConnections();
      await closed(tokens);
      rmSync(folder, { recursive: true });
    }
  };
}
