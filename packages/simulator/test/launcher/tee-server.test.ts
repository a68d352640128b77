import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { request as httpRequest } from 'node:http';
import { closeSync, existsSync, openSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { HARDWARE_ROOTS, nonces, verifyToken, type TokenRequest } from '@clean-room/protocol/attestation';
import { openIdentity, type SimulatorIdentity } from '../../src/issuer/identity.js';
import { TokenIssuer, type TokenContents } from '../../src/issuer/token-issuer.js';
import { LauncherLog, serialLine, type LauncherLogEntry } from '../../src/launcher/log.js';
import { AttestationService, regionOf } from '../../src/launcher/service.js';
import { TeeServer, LAUNCHER_SOCKET } from '../../src/launcher/tee-server.js';
import { refreshRetryMs, TOKEN_FILE } from '../../src/launcher/token-file.js';
import { SUBJECT } from '../support/subject.js';
import { workspace } from '../support/workspace.js';

const root = workspace();
const folder = join(root, 'long'.repeat(40), 'container_launcher');
let identity: SimulatorIdentity;
let launcher: TeeServer;
/** The service of all tests but those of its quota. */
const service = new AttestationService({ region: 'europe-west4', requestsPerSecond: 1000 });
const entries: LauncherLogEntry[] = [];
const log = new LauncherLog(entry => entries.push(entry));
const through = (issuer: TokenIssuer, other = service) => {
  return (contents: TokenContents) => other.token(issuer, contents);
};
/** The folder's descriptor, because its path is too long for the path of a socket. */
let descriptor: number;

beforeAll(async () => {
  identity = await openIdentity(join(root, 'identity'));
  launcher = await TeeServer.start({
    folder,
    requestToken: through(new TokenIssuer(identity, SUBJECT)),
    log
  });
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

function call(method: string, path: string, body?: unknown, socket = descriptor): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const options = {
      socketPath: `/proc/self/fd/${socket}/${LAUNCHER_SOCKET}`,
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
      expect(await failures(text, { trust: { pkiRoots: HARDWARE_ROOTS } })).toHaveLength(1);
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
  const unparsed = (reason: string) => `failed to parse POST body as TokenOptions: ${reason}`;
  const refused =
    'failed to retrieve custom attestation service token: calling v1.VerifyConfidentialSpace in europe-west4: googleapi: Error 400: ';
  test.each<[string, unknown, string]>([
    ['not JSON', '{', unparsed('unexpected EOF')],
    ['an empty body', '', unparsed('EOF')],
    ['a word', 'nul', unparsed('unexpected EOF')],
    ['a wrong word', '{"audience": tru3}', unparsed("invalid character '3' in literal true (expecting 'e')")],
    [
      'single quotes',
      "{'audience'",
      unparsed("invalid character '\\'' looking for beginning of object key string")
    ],
    ['a line break in a text', '{"audience":"\n"}', unparsed("invalid character '\\n' in string literal")],
    ['a list', [], unparsed('json: cannot unmarshal array into Go value of type TokenOptions')],
    ['an unknown field', { ...custom, extra: 1 }, unparsed('json: unknown field "extra"')],
    [
      'an unknown field of a field',
      { ...custom, aws_principal_tag_options: { x: 1 } },
      unparsed('json: unknown field "x"')
    ],
    [
      'a nonce that is not a string',
      { ...custom, nonces: [1] },
      unparsed('json: cannot unmarshal number into Go struct field TokenOptions.nonces of type string')
    ],
    ['an empty audience', { ...custom, audience: '' }, 'use GET request for the default identity token'],
    ['no audience', {}, 'use GET request for the default identity token'],
    ['null', 'null', 'use GET request for the default identity token'],
    [
      'a repeated audience',
      '{"audience":"a","token_type":"PKI","AUDIENCE":""}',
      'use GET request for the default identity token'
    ],
    ['no type', { audience: 'a' }, 'token_type is a required parameter'],
    ['seven nonces', { ...custom, nonces: Array(7).fill('n'.repeat(43)) }, refused],
    ['a short nonce', { ...custom, nonces: ['n'.repeat(9)] }, refused],
    ['a null nonce', { ...custom, nonces: [null] }, refused],
    ['a long nonce', { ...custom, nonces: ['n'.repeat(75)] }, refused],
    ['a long audience', { ...custom, audience: 'ä'.repeat(257) }, refused]
  ])('%s: 400', async (_, body, text) => {
    const answer = await post(body);
    expect(answer.status).toBe(400);
    if (text.endsWith(': ')) expect(answer.text.startsWith(text)).toBe(true);
    else expect(answer.text).toBe(text);
  });

  test.each([
    ['names in another case', '{"Audience":"a","TOKEN_TYPE":"PKI","nonces":["nnnnnnnnnn"]}'],
    ['data after the value', '{"audience":"a","token_type":"PKI","nonces":["nnnnnnnnnn"]} and more'],
    [
      'repeated names',
      '{"audience":"b","audience":"a","token_type":"PKI","nonces":["x"],"Nonces":["nnnnnnnnnn"]}'
    ],
    [
      'null in other fields',
      '{"audience":"a","token_type":"PKI","nonces":["nnnnnnnnnn"],"aws_principal_tag_options":null}'
    ]
  ])('%s: accepted, as Go’s decoder does', async (_, body) => {
    const { status, text } = await post(body);
    expect(status).toBe(200);
    expect(await failures(text, { expect: { audience: 'a', nonces: ['nnnnnnnnnn'] } })).toEqual([]);
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
    for (const challenge of ['AAAA', 'AAA', '-_-_', 'AA=='])
      expect(await call('POST', '/v1/evidence', { challenge })).toMatchObject({
        status: 500,
        text: 'attestation evidence is disabled'
      });
  });

  test.each([
    ['another case', '{"Challenge":"AAAA"}'],
    ['data after the value', '{"challenge":"AAAA"} x'],
    ['a repeated name', '{"challenge":"AAAA","challenge":"AAAA"}'],
    ['an unknown field', '{"challenge":"AAAA","x":"y"}'],
    ['something else than base64', '{"challenge":"?"}']
  ])('evidence is read strictly: %s', async (_, body) => {
    const { status, text } = await call('POST', '/v1/evidence', body);
    expect(status).toBe(400);
    expect(text.startsWith('failed to decode request: proto: ')).toBe(true);
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

  test('gets a new file before its token expires', async () => {
    const expires = Math.ceil(Date.now() / 1000 + 2) * 1000;
    const life = { issue: () => Promise.resolve(tokenUntil(Math.max(expires, Date.now() + 1000))) };
    const short = await TeeServer.start({
      folder: join(root, 'short'),
      requestToken: contents => service.token(life, contents),
      log
    });
    try {
      const file = join(root, 'short', TOKEN_FILE);
      const first = statSync(file).ino;
      const began = Date.now();
      while (statSync(file).ino === first && Date.now() - began < 10_000) await delay(20);
      expect(statSync(file).ino).not.toBe(first);
      expect(Date.now()).toBeLessThan(expires);
    } finally {
      await short.stop();
    }
  }, 20_000);

  test('is absent if the operator does not want it', async () => {
    const without = { folder: join(root, 'without'), requestToken: () => Promise.reject(new Error()), log };
    const server = await TeeServer.start({ ...without, withoutTokenFile: true });
    expect(existsSync(join(root, 'without', TOKEN_FILE))).toBe(false);
    await server.stop();
  });

  test('does not appear if the service fails at the start', async () => {
    const failing = {
      folder: join(root, 'failing'),
      requestToken: () => Promise.reject(new Error('no')),
      log
    };
    await expect(TeeServer.start(failing)).rejects.toThrow('no');
  });

  test('logs every claim of a token, so nothing secret may be in the environment', () => {
    const entry = entries.find(({ message }) => message === 'successfully refreshed attestation token');
    expect(entry?.attributes['token']).toContain('"PATH":"/usr/bin"');
  });

  test('is retried after 1 to 60 minutes, with a jitter of half', () => {
    const range = (failures: number) => [0, 0.5, 1].map(random => refreshRetryMs(failures, random) / 1000);
    expect(range(1)).toEqual([30, 60, 90]);
    expect(range(2)).toEqual([60, 120, 180]);
    expect(range(6)).toEqual([960, 1920, 2880]);
    expect(range(7)).toEqual([1800, 3600, 5400]);
    expect(range(50)).toEqual([1800, 3600, 5400]);
  });
});

/** Returns an unsigned token that expires at a time in milliseconds. */
function tokenUntil(expires: number): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${part({ alg: 'none' })}.${part({ exp: Math.ceil(expires / 1000) })}.x`;
}

describe('the attestation service', () => {
  async function withService<T>(
    other: AttestationService,
    use: (send: (method: string, body?: unknown) => Promise<Answer>) => Promise<T>
  ): Promise<T> {
    const server = await TeeServer.start({
      folder: join(root, `service-${Math.random()}`),
      requestToken: through(new TokenIssuer(identity, SUBJECT), other),
      log,
      withoutTokenFile: true
    });
    const socket = openSync(server.folder, 'r');
    try {
      return await use((method, body) => call(method, '/v1/token', body, socket));
    } finally {
      closeSync(socket);
      await server.stop();
    }
  }

  test('has a quota of five tokens a second for all machines of a project and region', async () => {
    const shared = new AttestationService({ region: 'europe-west4' });
    await withService(shared, first =>
      withService(shared, async second => {
        const send = (index: number) => (index % 2 === 0 ? first : second)('POST', custom);
        const answers = await Promise.all(Array.from({ length: 7 }, (_, index) => send(index)));
        expect(answers.map(({ status }) => status).sort()).toEqual([200, 200, 200, 200, 200, 500, 500]);
        const over = answers.find(({ status }) => status === 500);
        expect(over?.text).toMatch(
          /^failed to retrieve custom attestation service token: calling v1\.VerifyConfidentialSpace in europe-west4: googleapi: Error 429: Quota exceeded/
        );
        await delay(1000);
        expect((await first('POST', custom)).status).toBe(200);
      })
    );
  });

  test.each([
    [400, 400],
    [401, 400],
    [403, 400],
    [404, 400],
    [408, 400],
    [409, 400],
    [429, 500],
    [500, 500],
    [501, 500],
    [503, 500],
    [504, 500]
  ])('its status %d becomes %d of the launcher, with both texts', async (status, expected) => {
    const failing = new AttestationService({ region: 'us-east5' });
    failing.failures.push(status, status);
    await withService(failing, async send => {
      const reason = `calling v1.VerifyConfidentialSpace in us-east5: googleapi: Error ${status}: `;
      const posted = await send('POST', custom);
      expect(posted.status).toBe(expected);
      expect(posted.text).toContain(`failed to retrieve custom attestation service token: ${reason}`);
      const got = await send('GET');
      expect(got.status).toBe(expected);
      expect(got.text).toContain(`failed to retrieve attestation service token: ${reason}`);
      expect((await send('GET')).status).toBe(200);
    });
  });

  test('may be slow', async () => {
    const slow = new AttestationService({ region: 'us-east5' });
    slow.latencyMs = 400;
    await withService(slow, async send => {
      const began = performance.now();
      expect((await send('POST', custom)).status).toBe(200);
      expect(performance.now() - began).toBeGreaterThan(390);
    });
  });

  test('is that of the zone’s region', () => {
    expect(regionOf('europe-west4-a')).toBe('europe-west4');
    expect(regionOf('this-machine')).toBe('this-machine');
  });
});

test('a line on the serial console has the form of slog', () => {
  const at = new Date('2026-11-20T12:00:00.123Z');
  const entry = {
    severity: 'ERROR',
    message: 'a "b"',
    attributes: { exit_code: 1, exit_msg: 'x=y', empty: '' }
  } as const;
  expect(serialLine(entry, at)).toBe(
    'time=2026-11-20T12:00:00.123Z level=ERROR msg="a \\"b\\"" exit_code=1 exit_msg="x=y" empty=""'
  );
});
