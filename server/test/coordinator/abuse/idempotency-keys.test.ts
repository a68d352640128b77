import { describe, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { routes } from '@clean-room/api/coordinator';
import type { World } from '../../support/coordinator.js';
import { DATABASES } from '../../support/databases.js';
import { raw } from '../../support/raw.js';
import { sharedWorld } from '../../support/shared-world.js';

describe.each(DATABASES)('the coordinator stands its ground, on %s: idempotency keys', (_kind, prepare) => {
  let world: World;
  sharedWorld(prepare, shared => {
    world = shared;
  });

  test('a repeated request counts once, at once or one after the other', async () => {
    const client = world.person(world.parties.university);
    const { id } = await world.submit([]);
    const idempotencyKey = randomUUID();
    const say = (text: string) =>
      client.call(routes.addComment, { params: { id }, body: { text }, idempotencyKey });
    const answers = await Promise.all([say('hello'), say('hello'), say('hello')]);
    expect(new Set(answers.map(answer => answer.id)).size).toBe(1);
    expect((await say('hello')).id).toBe(answers[0]!.id);
    await expect(say('something else')).rejects.toMatchObject({ code: 'conflict' });
    const { comments } = await client.call(routes.getSubmission, { params: { id } });
    expect(comments).toHaveLength(1);
  }, 30_000);

  test('another caller’s key is another key', async () => {
    const { university, hospital } = world.parties;
    const { id } = await world.submit(world.assets.slice(0, 1));
    const idempotencyKey = randomUUID();
    const body = { text: 'same words' };
    const first = await world
      .person(university)
      .call(routes.addComment, { params: { id }, body, idempotencyKey });
    const second = await world
      .person(hospital)
      .call(routes.addComment, { params: { id }, body, idempotencyKey });
    expect(second.id).not.toBe(first.id);
    expect(second.by.party).toBe('hospital');
  });

  test('a request that failed may be sent again under its key', async () => {
    const { hospital } = world.parties;
    const { id } = await world.submit(world.assets.slice(0, 1));
    const idempotencyKey = randomUUID();
    const bad = await world.approval(hospital, id, { attempts: 9 });
    const approve = (body: typeof bad) =>
      world.custodian(hospital).call(routes.approve, { params: { id }, body, idempotencyKey });
    await expect(approve(bad)).rejects.toMatchObject({ code: 'approval-invalid' });
    expect(await approve(await world.approval(hospital, id))).toMatchObject({ state: 'approved' });
  });

  test.each(['short', 'with space', 'ü'.repeat(8), 'x'.repeat(129)])('%s is no key', async key => {
    const headers = { 'idempotency-key': Buffer.from(key).toString('latin1') };
    const answer = await raw(world, 'POST', '/v1/runs', { body: { submission: '0'.repeat(26) }, headers });
    expect(answer).toMatchObject({ status: 400 });
  });
});
