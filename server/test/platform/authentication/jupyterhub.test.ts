import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { JupyterHubAuthenticator } from '../../../src/platform/authentication/jupyterhub.js';

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

const TOKEN = '0123456789abcdef0123456789abcdef';
const SCOPE = 'access:services!service=clean-room';

/** The part of the response to `GET /user` (JupyterHub REST API) that services need. */
const owner = (changes: object = {}): object => ({
  kind: 'user',
  name: 'ada',
  admin: false,
  groups: ['hospital-research'],
  session_id: null,
  scopes: [SCOPE, 'read:users:name!user=ada'],
  ...changes
});

/** A fake Hub. It answers requests with an unknown token with status 403 and its own JSON. */
const hub =
  (model: object): Answer =>
  (request, response) => {
    const known = request.headers.authorization === `token ${TOKEN}`;
    const found = request.method === 'GET' && request.url === '/hub/api/user';
    const status = !found ? 404 : known ? 200 : 403;
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(JSON.stringify(status === 200 ? model : { status, message: 'Forbidden' }));
  };

describe('authentication through JupyterHub', () => {
  let server: Server;
  let answer: Answer;
  let requests: number;

  beforeEach(async () => {
    requests = 0;
    answer = hub(owner());
    server = createServer((request, response) => {
      requests += 1;
      answer(request, response);
    });
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  });
  afterEach(async () => {
    server.closeAllConnections();
    await new Promise(resolve => server.close(resolve));
  });

  const authenticator = (prefix = '/hub/api', cacheSeconds = 60) =>
    new JupyterHubAuthenticator({
      api: `http://127.0.0.1:${(server.address() as AddressInfo).port}${prefix}`,
      service: 'clean-room',
      groups: { 'hospital-research': 'hospital', 'hospital-review': 'hospital', insurers: 'insurer' },
      cacheSeconds
    });

  test('lets a person act once for each party of their groups', async () => {
    answer = hub(owner({ groups: ['hospital-research', 'hospital-review', 'insurers', 'gardeners'] }));
    await expect(authenticator().authenticate(TOKEN)).resolves.toEqual({
      kind: 'person',
      subject: 'ada',
      acts: [
        { party: 'hospital', person: 'ada' },
        { party: 'insurer', person: 'ada' }
      ]
    });
  });

  test('lets a person without a group act for no party', async () => {
    answer = hub(owner({ groups: [] }));
    await expect(authenticator().authenticate(TOKEN)).resolves.toMatchObject({ subject: 'ada', acts: [] });
  });

  test('ignores groups that are named like inherited properties', async () => {
    answer = hub(owner({ groups: ['constructor', 'toString', '__proto__'] }));
    await expect(authenticator().authenticate(TOKEN)).resolves.toMatchObject({ acts: [] });
  });

  test('does not identify a token that the Hub does not know', async () => {
    await expect(authenticator().authenticate('made-up')).resolves.toBeUndefined();
  });

  test.each([
    ['none', []],
    ['another service’s', ['access:services!service=grader']],
    ['a scope with the same beginning', [`${SCOPE}-2`]],
    ['a notebook server’s', ['access:servers!server=ada/', 'users:activity!user=ada']]
  ])('refuses a token with the wrong scopes: %s', async (_which, scopes) => {
    answer = hub(owner({ scopes }));
    await expect(authenticator().authenticate(TOKEN)).rejects.toMatchObject({ code: 'forbidden' });
  });

  test.each([404, 429, 500, 502])('accepts no token when the Hub answers %i', async status => {
    answer = (_request, response) => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(owner()));
    };
    await expect(authenticator().authenticate(TOKEN)).rejects.toMatchObject({ code: 'unavailable' });
  });

  test('accepts no token when the address of the API is wrong', async () => {
    await expect(authenticator('/api').authenticate(TOKEN)).rejects.toMatchObject({ code: 'unavailable' });
  });

  test.each([
    ['no JSON', '<html>Sign in</html>'],
    ['no name', JSON.stringify(owner({ name: undefined }))],
    ['no scopes', JSON.stringify(owner({ scopes: undefined }))],
    ['scopes as one text', JSON.stringify(owner({ scopes: SCOPE }))],
    ['groups of objects', JSON.stringify(owner({ groups: [{ name: 'insurers' }] }))],
    ['no object', 'null']
  ])('accepts no token when the answer cannot be read: %s', async (_which, body) => {
    answer = (_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json' }).end(body);
    };
    await expect(authenticator().authenticate(TOKEN)).rejects.toMatchObject({ code: 'unavailable' });
  });

  test('does not follow redirects, so that the token is sent only to the Hub', async () => {
    answer = (request, response) => {
      if (request.url === '/elsewhere') response.end(JSON.stringify(owner()));
      else response.writeHead(302, { location: '/elsewhere' }).end();
    };
    await expect(authenticator().authenticate(TOKEN)).rejects.toMatchObject({ code: 'unavailable' });
    expect(requests).toBe(1);
  });

  test('accepts no token when the Hub closes the connection', async () => {
    answer = request => request.destroy();
    await expect(authenticator().authenticate(TOKEN)).rejects.toMatchObject({ code: 'unavailable' });
  });

  test('stops waiting for a Hub that does not answer, or not completely', async () => {
    answer = (request, response) => {
      if (request.headers.authorization !== 'token halting') return;
      response.writeHead(200, { 'content-type': 'application/json' }).write('{"name":');
    };
    const hubAuthenticator = authenticator();
    const refused = ['silent', 'halting'].map(token =>
      expect(hubAuthenticator.authenticate(token)).rejects.toMatchObject({ code: 'unavailable' })
    );
    await Promise.all(refused);
    expect(requests).toBe(2);
  });

  test('caches answers of the Hub, but not failures', async () => {
    const hubAuthenticator = authenticator();
    const whole = answer;
    answer = (_request, response) => {
      response.writeHead(503).end();
    };
    await expect(hubAuthenticator.authenticate(TOKEN)).rejects.toMatchObject({ code: 'unavailable' });
    answer = whole;
    await expect(hubAuthenticator.authenticate(TOKEN)).resolves.toBeDefined();
    await expect(hubAuthenticator.authenticate(TOKEN)).resolves.toBeDefined();
    expect(requests).toBe(2);
  });

  test('refuses a revoked token once the cached answer has expired', async () => {
    const hubAuthenticator = authenticator('/hub/api', 0);
    await expect(hubAuthenticator.authenticate(TOKEN)).resolves.toBeDefined();
    answer = (_request, response) => {
      response.writeHead(403).end();
    };
    await expect(hubAuthenticator.authenticate(TOKEN)).resolves.toBeUndefined();
  });

  test('does not send a token to the Hub that an HTTP header cannot hold', async () => {
    for (const token of ['', 'a b', 'a\r\nx: y', 'é', 'x'.repeat(1025)]) {
      await expect(authenticator().authenticate(token)).resolves.toBeUndefined();
    }
    expect(requests).toBe(0);
  });
});
