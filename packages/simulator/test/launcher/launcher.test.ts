import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { request as httpRequest } from 'node:http';
import { closeSync, openSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { GOOGLE_ROOT, nonces, verifyToken, type TokenRequest } from '@clean-room/protocol/attestation';
import { openIdentity, type SimulatorIdentity } from '../../src/issuer/identity.js';
import { TokenIssuer } from '../../src/issuer/token-issuer.js';
import { SimulatedLauncher, LAUNCHER_SOCKET } from '../../src/launcher/launcher.js';
import { TOKEN_FILE } from '../../src/launcher/token-file.js';
import { SUBJECT } from '../support/subject.js';
import { workspace } from '../support/workspace.js';

const root = workspace();
const folder = join(root, 'long'.repeat(40), 'container_launcher');
let identity: SimulatorIdentity;
let launcher: SimulatedLauncher;
/** The folder's descriptor, because its path is too long for the path of a socket. */
let descriptor: number;

beforeAll(async () => {
  identity = await openIdentity(join(root, 'identity'));
  launcher = await SimulatedLauncher.start(folder, new TokenIssuer(identity, SUBJECT));
  descriptor = openSync(folder, 'r');
});
afterAll(async () => {
  closeSync(descriptor);
  await launcher.stop();
});

interface Answer {
  status: number | undefined;
  type: string | undefined;
  text: string;
}

function call(method: string, path: string, body?: unknown): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const options = {
      socketPath: `/proc/self/fd/${descriptor}/${LAUNCHER_SOCKET}`,
      path,
      method,
      headers: { 'content-type': 'application/json' }
    };
    const outgoing = httpRequest(options, incoming => {
      const chunks: Buffer[] = [];
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
      incoming.on('end', () => {
        const { statusCode: status, headers } = incoming;
        resolve({ status, type: headers['content-type'], text: Buffer.concat(chunks).toString() });
      });
    });
    outgoing.on('error', reject);
    outgoing.end(typeof body === 'string' || body === undefined ? body : JSON.stringify(body));
  });
}

const post = (body: unknown) => call('POST', '/v1/token', body);
const custom = { audience: 'clean-room:run:v1', token_type: 'PKI', nonces: ['n'.repeat(43)] };

function request(extra: Partial<TokenRequest> = {}): TokenRequest {
  return {
    profile: 'production',
    at: new Date(),
    trust: { pkiRoots: [identity.root], jwks: [identity.issuerKeys] },
    acceptSimulator: true,
    ...extra
  };
}

async function failures(token: string, extra: Partial<TokenRequest> = {}) {
  const { steps } = await verifyToken(token, request(extra));
  return steps.filter(step => step.status === 'fail').map(step => step.code);
}

describe('tokens', () => {
  test('a PKI token passes every check if the policy names the simulator', async () => {
    const { status, type, text } = await post(custom);
    expect({ status, type }).toEqual({ status: 200, type: 'text/html' });
    const expectations = {
      audience: custom.audience,
      nonces: custom.nonces,
      imageDigest: SUBJECT.container.imageDigest,
      projectId: 'simulator',
      zone: 'local',
      serviceAccounts: ['simulator@simulator.invalid'],
      args: SUBJECT.container.args,
      env: {},
      maxAgeSeconds: 30,
      hwmodels: ['SIMULATED']
    };
    expect(await failures(text, { expect: expectations })).toEqual([]);
    const { simulated, kind } = await verifyToken(text, request());
    expect({ simulated, kind }).toEqual({ simulated: true, kind: 'pki' });
  });

  test('a simulated token fails if the policy does not name the simulator', async () => {
    for (const token_type of ['PKI', 'OIDC']) {
      const { text } = await post({ ...custom, token_type });
      expect(await failures(text, { acceptSimulator: false })).toContain('simulator-refused');
      expect(await failures(text, { acceptSimulator: false, profile: 'signature' })).toEqual([
        'simulator-refused'
      ]);
      expect(await failures(text, { trust: { pkiRoots: [GOOGLE_ROOT] } })).toHaveLength(1);
    }
  });

  test('GET returns the default OIDC token', async () => {
    const { status, text } = await call('GET', '/v1/token');
    expect(status).toBe(200);
    expect(await failures(text, { expect: { audience: 'https://sts.googleapis.com' } })).toEqual([]);
    const { claims, kind } = await verifyToken(text, request());
    expect(kind).toBe('oidc');
    expect(claims && nonces(claims)).toEqual([]);
  });

  test('one nonce is a string, several are a list, and none is left out', async () => {
    const claim = async (list: string[] | null | undefined) => {
      const { text } = await post({ ...custom, nonces: list });
      return (
        JSON.parse(Buffer.from(text.split('.')[1] ?? '', 'base64url').toString()) as { eat_nonce?: unknown }
      ).eat_nonce;
    };
    const [a, b] = ['a'.repeat(10), 'b'.repeat(74)] as const;
    expect(await claim([a])).toBe(a);
    expect(await claim([a, b])).toEqual([a, b]);
    for (const none of [[], null, undefined]) expect(await claim(none)).toBeUndefined();
  });

  test('an unknown type is answered with an OIDC token', async () => {
    const { status, text } = await post({ ...custom, token_type: 'SOMETHING' });
    expect(status).toBe(200);
    expect((await verifyToken(text, request())).kind).toBe('oidc');
  });

  test('claims have the structure and order of a real token', async () => {
    const { text } = await post(custom);
    const payload = JSON.parse(Buffer.from(text.split('.')[1] ?? '', 'base64url').toString()) as object;
    expect(Object.keys(payload)).toEqual([
      ...[
        'aud',
        'exp',
        'iat',
        'iss',
        'nbf',
        'sub',
        'eat_nonce',
        'eat_profile',
        'secboot',
        'oemid',
        'hwmodel'
      ],
      ...['swname', 'swversion', 'dbgstat', 'submods', 'google_service_accounts']
    ]);
    expect(payload).toMatchObject({
      submods: { container: expect.not.objectContaining({ env_override: {} }) }
    });
  });
});

describe('refusals', () => {
  test.each<[string, unknown, string]>([
    ['not JSON', '{', 'failed to parse POST body as TokenOptions'],
    ['an empty body', '', 'failed to parse POST body as TokenOptions'],
    ['an unknown field', { ...custom, extra: 1 }, 'failed to parse POST body as TokenOptions'],
    ['a nonce that is not a string', { ...custom, nonces: [1] }, 'failed to parse POST body as TokenOptions'],
    ['an empty audience', { ...custom, audience: '' }, 'use GET request for the default identity token'],
    ['no audience', {}, 'use GET request for the default identity token'],
    ['no type', { audience: 'a' }, 'token_type is a required parameter'],
    [
      'seven nonces',
      { ...custom, nonces: Array(7).fill('n'.repeat(43)) },
      'failed to retrieve custom attestation service token'
    ],
    [
      'a short nonce',
      { ...custom, nonces: ['n'.repeat(9)] },
      'failed to retrieve custom attestation service token'
    ],
    [
      'a long nonce',
      { ...custom, nonces: ['n'.repeat(75)] },
      'failed to retrieve custom attestation service token'
    ],
    [
      'a long audience',
      { ...custom, audience: 'ä'.repeat(257) },
      'failed to retrieve custom attestation service token'
    ]
  ])('%s: 400', async (_, body, text) => {
    const refused = await post(body);
    expect(refused.status).toBe(400);
    expect(refused.text.startsWith(text)).toBe(true);
  });

  test.each([
    ['PUT', '/v1/token', 400, 'TEE server received an invalid HTTP method: PUT'],
    [
      'POST',
      '/v1/intel/token',
      500,
      'no ITA verifier client present - ensure ITA Region and Key are defined in metadata'
    ],
    ['GET', '/v1/evidence', 405, 'method not allowed'],
    ['POST', '/v1/keys:getEndorsement', 403, 'keymanager not enabled'],
    ['POST', '/v1/hostAttestation', 403, 'host attestation not enabled'],
    ['GET', '/v1/other', 404, '404 page not found\n']
  ])('%s %s: %d', async (method, path, status, text) => {
    expect(await call(method, path)).toMatchObject({ status, text });
  });

  test('evidence is disabled, as the experiment is off', async () => {
    expect(await call('POST', '/v1/evidence', {})).toMatchObject({
      status: 400,
      text: 'challenge is required'
    });
    expect(await call('POST', '/v1/evidence', { challenge: 'AAAA' })).toMatchObject({
      status: 500,
      text: 'attestation evidence is disabled'
    });
  });

  test('a body of two megabytes is refused', async () => {
    expect((await post(`{"audience":"${'a'.repeat(2_000_000)}`)).status).toBe(400);
  });
});

describe('the folder that containers see', () => {
  test('has a socket and a token that every user can use', () => {
    const mode = (path: string) => statSync(path).mode & 0o777;
    expect(mode(folder)).toBe(0o755);
    expect(mode(join(folder, LAUNCHER_SOCKET))).toBe(0o777);
    expect(mode(join(folder, TOKEN_FILE))).toBe(0o644);
  });

  test('has a valid default token from the start', async () => {
    const token = readFileSync(join(folder, TOKEN_FILE), 'utf8');
    expect(await failures(token, { expect: { audience: 'https://sts.googleapis.com' } })).toEqual([]);
  });

  test('gets a new file with a new token repeatedly', async () => {
    const short = await SimulatedLauncher.start(join(root, 'short'), new TokenIssuer(identity, SUBJECT), 200);
    try {
      const seen = new Set<number>();
      const end = Date.now() + 10_000;
      while (seen.size < 3 && Date.now() < end) {
        seen.add(statSync(join(root, 'short', TOKEN_FILE)).ino);
        await delay(20);
      }
      expect(seen.size).toBeGreaterThanOrEqual(2);
    } finally {
      await short.stop();
    }
  }, 20_000);
});
