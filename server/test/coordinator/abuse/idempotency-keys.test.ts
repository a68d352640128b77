import { describe, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { routes } from '@clean-room/api/coordinator';
import type { TestDeployment } from '../../support/deployment.js';
import { DATABASES } from '../../support/databases.js';
import { rawRequest } from '../../support/raw-request.js';
import { useSharedDeployment } from '../../support/shared-deployment.js';

describe.each(DATABASES)('the coordinator resists abuse, on %s: idempotency keys', (_kind, prepare) => {
  let deployment: TestDeployment;
  useSharedDeployment(prepare, shared => {
    deployment = shared;
  });

  test('carries out a repeated request once, in parallel or in sequence', async () => {
    const client = deployment.person(deployment.parties.university);
    const { id } = await deployment.submit([]);
    const idempotencyKey = randomUUID();
    const say = (text: string) =>
      client.call(routes.addComment, { params: { id }, body: { text }, idempotencyKey });
    const answers = await Promise.all([say('hello'), say('hello'), say('hello')]);
    expect(new Set(answers.map(answer => answer.id)).size).toBe(1);
    expect((await say('hello')).id).toBe(answers[0].id);
    await expect(say('something else')).rejects.toMatchObject({ code: 'conflict' });
    const { comments } = await client.call(routes.getSubmission, { params: { id } });
    expect(comments).toHaveLength(1);
  }, 30_000);

  test('treats the same key of another caller as another key', async () => {
    const { university, hospital } = deployment.parties;
    const { id } = await deployment.submit(deployment.assets.slice(0, 1));
    const idempotencyKey = randomUUID();
    const body = { text: 'same words' };
    const first = await deployment
      .person(university)
      .call(routes.addComment, { params: { id }, body, idempotencyKey });
    const second = await deployment
      .person(hospital)
      .call(routes.addComment, { params: { id }, body, idempotencyKey });
    expect(second.id).not.toBe(first.id);
    expect(second.by.party).toBe('hospital');
  });

  test('accepts the key of a failed request for a corrected request', async () => {
    const { hospital } = deployment.parties;
    const { id } = await deployment.submit(deployment.assets.slice(0, 1));
    const idempotencyKey = randomUUID();
    const bad = await deployment.approval(hospital, id, { runs: 9 });
    const approve = (body: typeof bad) =>
      deployment.custodian(hospital).call(routes.approve, { params: { id }, body, idempotencyKey });
    await expect(approve(bad)).rejects.toMatchObject({ code: 'approval-invalid' });
    expect(await approve(await deployment.approval(hospital, id))).toMatchObject({ state: 'approved' });
  });

  test.each(['short', 'with space', 'ü'.repeat(8), 'x'.repeat(129)])(
    'refuses the invalid key %s',
    async key => {
      const headers = { 'idempotency-key': Buffer.from(key).toString('latin1') };
      const answer = await rawRequest(deployment, 'POST', '/v1/runs', {
        body: { submission: '0'.repeat(26) },
        headers
      });
      expect(answer).toMatchObject({ status: 400 });
    }
  );
});
