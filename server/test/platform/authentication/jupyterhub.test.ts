import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { JupyterHubAuthenticator } from '../../../src/platform/authentication/jupyterhub.js';

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

const TOKEN = '0123456789abcdef0123456789abcdef';
const SCOPE = 'access:services!service=clean-room';

/** The model that a Hub gives of the owner of a token (JupyterHub REST API, `GET /user`), as far as it concerns services. */
const owner = (changes: object = {}): object => ({
  kind: 'user',
  name: 'ada',
  admin: false,
  groups: ['hospital-research'],
  session_id: null,
  scopes: [SCOPE, 'read:users:name!user=ada'],
  ...changes
});

/** A Hub as far as services speak to it: a token it does not know is answered with 403 and its own JSON. */
const hub =
  (model: object): Answer =>
  (request, response) => {
    const known = request.headers.authorization === `token ${TOKEN}`;
    const found = request.method === 'GET' && request.url === '/hub/api/user';
    const status = !found ? 404 : known ? 200 : 403;
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(JSON.stringify(status === 200 ? model : { status, message: 'Forbidden' }));
  };

describe('people of a JupyterHub', () => {
  let server: Server;
  let answer: Answer;
  let asked: number;

  beforeEach(async () => {
    asked = 0;
    answer = hub(owner());
    server = createServer((request, response) => {
      asked += 1;
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

  test('a person acts for the parties of their groups, once for each', async () => {
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

  test('somebody without a group acts for nobody', async () => {
    answer = hub(owner({ groups: [] }));
    await expect(authenticator().authenticate(TOKEN)).resolves.toMatchObject({ subject: 'ada', acts: [] });
  });

  test('a group named like a property of every object is no party', async () => {
    answer = hub(owner({ groups: ['constructor', 'toString', '__proto__'] }));
    await expect(authenticator().authenticate(TOKEN)).resolves.toMatchObject({ acts: [] });
  });

  test('a token that the Hub does not know is nobody’s', async () => {
    await expect(authenticator().authenticate('made-up')).resolves.toBeUndefined();
  });

  test.each([
    ['none', []],
    ['another service’s', ['access:services!service=grader']],
    ['one that begins like it', [`${SCOPE}-2`]],
    ['a notebook server’s', ['access:servers!server=ada/', 'users:activity!user=ada']]
  ])('a token with the wrong scopes is refused: %s', async (_which, scopes) => {
    answer = hub(owner({ scopes }));
    await expect(authenticator().authenticate(TOKEN)).rejects.toMatchObject({ code: 'forbidden' });
  });

  test.each([404, 429, 500, 502])('a Hub that answers %i vouches for nobody', async status => {
    answer = (_request, response) => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(owner()));
    };
    await expect(authenticator().authenticate(TOKEN)).rejects.toMatchObject({ code: 'unavailable' });
  });

  test('a wrong address of its API vouches for nobody', async () => {
    await expect(authenticator('/api').authenticate(TOKEN)).rejects.toMatchObject({ code: 'unavailable' });
  });

  test.each([
    ['no JSON', '<html>Sign in</html>'],
    ['no name', JSON.stringify(owner({ name: undefined }))],
    ['no scopes', JSON.stringify(owner({ scopes: undefined }))],
    ['scopes as one text', JSON.stringify(owner({ scopes: SCOPE }))],
    ['groups of objects', JSON.stringify(owner({ groups: [{ name: 'insurers' }] }))],
    ['nobody', 'null']
  ])('an answer that can not be read vouches for nobody: %s', async (_which, body) => {
    answer = (_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json' }).end(body);
    };
    await expect(authenticator().authenticate(TOKEN)).rejects.toMatchObject({ code: 'unavailable' });
  });

  test('a redirection is not followed: the token goes to the Hub alone', async () => {
    answer = (request, response) => {
      if (request.url === '/elsewhere') hub(owner())({ ...request, url: '/hub/api/user' } as never, response);
      else response.writeHead(302, { location: '/elsewhere' }).end();
    };
    await expect(authenticator().authenticate(TOKEN)).rejects.toMatchObject({ code: 'unavailable' });
    expect(asked).toBe(1);
  });

  test('a Hub that hangs up vouches for nobody', async () => {
    answer = request => request.destroy();
    await expect(authenticator().authenticate(TOKEN)).rejects.toMatchObject({ code: 'unavailable' });
  });

  test('a Hub that is silent, or stops in the middle of its answer, is not waited for without end', async () => {
    answer = (request, response) => {
      if (request.headers.authorization !== 'token halting') return;
      response.writeHead(200, { 'content-type': 'application/json' }).write('{"name":');
    };
    const people = authenticator();
    const refused = ['silent', 'halting'].map(token =>
      expect(people.authenticate(token)).rejects.toMatchObject({ code: 'unavailable' })
    );
    await Promise.all(refused);
    expect(asked).toBe(2);
  });

  test('what the Hub said is remembered, what it failed to say is not', async () => {
    const people = authenticator();
    const whole = answer;
    answer = (_request, response) => {
      response.writeHead(503).end();
    };
    await expect(people.authenticate(TOKEN)).rejects.toMatchObject({ code: 'unavailable' });
    answer = whole;
    await expect(people.authenticate(TOKEN)).resolves.toBeDefined();
    await expect(people.authenticate(TOKEN)).resolves.toBeDefined();
    expect(asked).toBe(2);
  });

  test('a token that was taken back opens nothing once the answer is too old', async () => {
    const people = authenticator('/hub/api', 0);
    await expect(people.authenticate(TOKEN)).resolves.toBeDefined();
    answer = (_request, response) => {
      response.writeHead(403).end();
    };
    await expect(people.authenticate(TOKEN)).resolves.toBeUndefined();
  });

  test('a token that no header can hold is nobody’s, and the Hub is not asked', async () => {
    for (const token of ['', 'a b', 'a\r\nx: y', 'é', 'x'.repeat(1025)]) {
      await expect(authenticator().authenticate(token)).resolves.toBeUndefined();
    }
    expect(asked).toBe(0);
  });
});
