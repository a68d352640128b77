import { describe, expect, test } from '@jest/globals';
import { toBase64Url, utf8 } from '@clean-room/protocol/bytes';
import type { World } from '../../support/coordinator.js';
import { DATABASES } from '../../support/databases.js';
import { raw } from '../../support/raw.js';
import { sharedWorld } from '../../support/shared-world.js';

describe.each(DATABASES)('the coordinator stands its ground, on %s: form', (_kind, prepare) => {
  let world: World;
  sharedWorld(prepare, shared => {
    world = shared;
  });

  test.each([
    ['an unknown field', 'POST', '/v1/runs', { submission: '0'.repeat(26), priority: 9 }],
    ['a number for a string', 'POST', '/v1/runs', { submission: 1 }],
    ['an unknown query field', 'GET', '/v1/runs?order=desc', undefined],
    ['a limit out of bounds', 'GET', '/v1/runs?limit=100000', undefined],
    ['an id that is none', 'GET', '/v1/runs/..%2f..%2fetc', undefined],
    ['a digest that is none', 'GET', '/v1/objects/sha256%3A..%2f..%2fjob.secret', undefined],
    ['JSON that is none', 'POST', '/v1/runs', '{"submission":'],
    [
      'lists in lists without end',
      'POST',
      '/v1/runs',
      `{"submission":${'['.repeat(200_000)}${']'.repeat(200_000)}}`
    ],
    ['a polluted prototype', 'POST', '/v1/runs', '{"__proto__":{"x":1},"submission":"x"}']
  ])('refuses %s', async (_what, method, path, body) => {
    const answer = await raw(world, method, path, body === undefined ? {} : { body });
    expect(answer).toMatchObject({ status: 400, body: { code: 'malformed' } });
    expect(answer.body.reference).toBe(answer.headers.get('x-request-id'));
  });

  test.each(['NUL \0', 'half a pair \ud83d'])('refuses a text that can not be kept: %j', async text => {
    const { id } = await world.submit(world.assets.slice(0, 1));
    for (const [path, body] of [
      ['comments', { text }],
      ['changes-requested', { reason: text }]
    ] as const) {
      const answer = await raw(world, 'POST', `/v1/submissions/${id}/${path}`, { body, party: 'hospital' });
      expect(answer).toMatchObject({ status: 400, body: { code: 'malformed' } });
    }
  });

  test('refuses bodies of other types, too large ones, and routes it has not', async () => {
    const text = await raw(world, 'POST', '/v1/runs', {
      body: 'x',
      headers: { 'content-type': 'text/plain' }
    });
    expect(text).toMatchObject({ status: 400, body: { code: 'malformed' } });
    const large = await raw(world, 'POST', '/v1/runs', { body: { submission: 'x'.repeat(2 ** 21) } });
    expect(large).toMatchObject({ status: 413, body: { code: 'too-large' } });
    expect(await raw(world, 'GET', '/v1/nothing')).toMatchObject({
      status: 404,
      body: { code: 'not-found' }
    });
    expect(await raw(world, 'DELETE', '/v1/me')).toMatchObject({ status: 404 });
  });

  test('says nothing of its insides, and forbids pages to do anything', async () => {
    const answer = await raw(world, 'GET', '/v1/runs/%00');
    expect(JSON.stringify(answer.body)).not.toMatch(/node_modules|\.ts|stack|select /);
    expect(answer.headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
  });

  test.each(['!!', toBase64Url(utf8("' or 1=1 --")), toBase64Url(Uint8Array.of(255, 254)), 'x'.repeat(201)])(
    'a cursor made up (%s) opens nothing',
    async cursor => {
      for (const list of ['submissions', 'runs', 'assets']) {
        expect(await raw(world, 'GET', `/v1/${list}?cursor=${encodeURIComponent(cursor)}`)).toMatchObject({
          status: 400
        });
      }
    }
  );
});
