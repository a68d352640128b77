import { describe, expect, test } from '@jest/globals';
import { toBase64Url, utf8 } from '@clean-room/protocol/bytes';
import type { TestDeployment } from '../../support/deployment.js';
import { DATABASES } from '../../support/databases.js';
import { rawRequest } from '../../support/raw-request.js';
import { useSharedDeployment } from '../../support/shared-deployment.js';

describe.each(DATABASES)('the coordinator resists abuse, on %s: malformed requests', (_kind, prepare) => {
  let deployment: TestDeployment;
  useSharedDeployment(prepare, shared => {
    deployment = shared;
  });

  test.each([
    ['an unknown field', 'POST', '/v1/runs', { submission: '0'.repeat(26), priority: 9 }],
    ['a number for a string', 'POST', '/v1/runs', { submission: 1 }],
    ['an unknown query field', 'GET', '/v1/runs?order=desc', undefined],
    ['a limit out of bounds', 'GET', '/v1/runs?limit=100000', undefined],
    ['an invalid id', 'GET', '/v1/runs/..%2f..%2fetc', undefined],
    ['an invalid digest', 'GET', '/v1/objects/sha256%3A..%2f..%2fjob.secret', undefined],
    ['invalid JSON', 'POST', '/v1/runs', '{"submission":'],
    [
      'deeply nested lists',
      'POST',
      '/v1/runs',
      `{"submission":${'['.repeat(200_000)}${']'.repeat(200_000)}}`
    ],
    ['a polluted prototype', 'POST', '/v1/runs', '{"__proto__":{"x":1},"submission":"x"}']
  ])('refuses %s', async (_what, method, path, body) => {
    const answer = await rawRequest(deployment, method, path, body === undefined ? {} : { body });
    expect(answer).toMatchObject({ status: 400, body: { code: 'malformed' } });
    expect(answer.body.reference).toBe(answer.headers.get('x-request-id'));
  });

  test.each(['NUL \0', 'half a pair \ud83d'])(
    'refuses a text that a database cannot store: %j',
    async text => {
      const { id } = await deployment.submit(deployment.assets.slice(0, 1));
      for (const [path, body] of [
        ['comments', { text }],
        ['changes-requested', { reason: text }]
      ] as const) {
        const answer = await rawRequest(deployment, 'POST', `/v1/submissions/${id}/${path}`, {
          body,
          party: 'hospital'
        });
        expect(answer).toMatchObject({ status: 400, body: { code: 'malformed' } });
      }
    }
  );

  test('refuses bodies of other types, bodies that are too large, and unknown routes', async () => {
    const text = await rawRequest(deployment, 'POST', '/v1/runs', {
      body: 'x',
      headers: { 'content-type': 'text/plain' }
    });
    expect(text).toMatchObject({ status: 400, body: { code: 'malformed' } });
    const large = await rawRequest(deployment, 'POST', '/v1/runs', {
      body: { submission: 'x'.repeat(2 ** 21) }
    });
    expect(large).toMatchObject({ status: 413, body: { code: 'too-large' } });
    expect(await rawRequest(deployment, 'GET', '/v1/nothing')).toMatchObject({
      status: 404,
      body: { code: 'not-found' }
    });
    expect(await rawRequest(deployment, 'DELETE', '/v1/me')).toMatchObject({ status: 404 });
  });

  test('reveals no implementation details, and sets a strict content security policy', async () => {
    const answer = await rawRequest(deployment, 'GET', '/v1/runs/%00');
    expect(JSON.stringify(answer.body)).not.toMatch(/node_modules|\.ts|stack|select /);
    expect(answer.headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
  });

  test.each(['!!', toBase64Url(utf8("' or 1=1 --")), toBase64Url(Uint8Array.of(255, 254)), 'x'.repeat(201)])(
    'refuses an invented cursor: %s',
    async cursor => {
      for (const list of ['submissions', 'runs', 'assets']) {
        expect(
          await rawRequest(deployment, 'GET', `/v1/${list}?cursor=${encodeURIComponent(cursor)}`)
        ).toMatchObject({
          status: 400
        });
      }
    }
  );
});
