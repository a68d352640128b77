import { describe, expect, test } from '@jest/globals';
import { routes } from '@clean-room/api/coordinator';
import { TestDeployment } from '../../support/deployment.js';
import { DATABASES, type DatabaseFactory } from '../../support/databases.js';
import { rosterOf } from '../../support/parties.js';
import { rawRequest } from '../../support/raw-request.js';
import { useSharedDeployment } from '../../support/shared-deployment.js';

describe.each(DATABASES)('the coordinator resists abuse, on %s: callers', (_kind, prepare) => {
  let deployment: TestDeployment;
  let databases: DatabaseFactory;
  useSharedDeployment(prepare, (shared, factory) => {
    [deployment, databases] = [shared, factory];
  });

  test.each([
    ['no token', {}],
    ['a wrong token', { authorization: `Bearer ${'0'.repeat(64)}` }],
    ['another scheme', { authorization: 'Basic dXNlcjpwYXNz' }]
  ])('refuses a request with %s', async (_what, headers) => {
    for (const path of [
      '/v1/me',
      '/v1/assets',
      '/v1/log/checkpoint',
      '/v1/events',
      `/v1/runs/${'0'.repeat(26)}`
    ]) {
      const response = await fetch(deployment.coordinator.url + path, {
        headers: headers as Record<string, string>
      });
      expect(response.status).toBe(401);
      await response.body?.cancel();
    }
  });

  test('lets a person act only for one of their own parties at a time', async () => {
    expect(await rawRequest(deployment, 'GET', '/v1/assets', { party: 'unknown' })).toMatchObject({
      status: 403
    });
    const response = await fetch(`${deployment.coordinator.url}/v1/assets`, {
      headers: { authorization: `Bearer ${deployment.personToken}` }
    });
    expect(response.status).toBe(400);
  });

  test('refuses to let a person act as a custodian, or a custodian as a person', async () => {
    const { hospital } = deployment.parties;
    const { id } = await deployment.submit(deployment.assets.slice(0, 1));
    const body = await deployment.approval(hospital, id);
    await expect(
      deployment.person(hospital).call(routes.approve, { params: { id }, body })
    ).rejects.toMatchObject({
      code: 'forbidden'
    });
    await expect(deployment.person(hospital).call(routes.listKeyRequests, {})).rejects.toMatchObject({
      code: 'forbidden'
    });
    await expect(
      deployment.custodian(hospital).call(routes.createRun, { body: { submission: id } })
    ).rejects.toMatchObject({ code: 'forbidden' });
  });

  test('takes roles from the newest roster', async () => {
    const { stranger } = deployment.parties;
    const client = deployment.person(stranger);
    await client.call(routes.publishRoster, { body: { roster: rosterOf(stranger, 2, [{ roles: [] }]) } });
    await expect(client.call(routes.composeImage, { body: { spec: '' } })).rejects.toMatchObject({
      code: 'forbidden'
    });
    await client.call(routes.publishRoster, { body: { roster: rosterOf(stranger, 3, [{ id: 'bob' }]) } });
    await expect(client.call(routes.listAssets, {})).rejects.toMatchObject({ code: 'forbidden' });
    expect((await client.call(routes.getMe, {})).parties.map(({ party }) => party)).not.toContain('stranger');
    await client.call(routes.publishRoster, { body: { roster: rosterOf(stranger, 4) } });
  });

  test('limits the requests of one credential without affecting others', async () => {
    const strict = await TestDeployment.start({
      database: await databases.create(),
      limits: { requestsPerMinute: 5 }
    });
    const ask = (token: string) =>
      fetch(`${strict.coordinator.url}/v1/me`, { headers: { authorization: `Bearer ${token}` } }).then(
        async response => (await response.body?.cancel(), response.status)
      );
    const statuses = [];
    for (let i = 0; i < 7; i++) statuses.push(await ask(strict.personToken));
    expect(statuses).toEqual([200, 200, 200, 200, 200, 429, 429]);
    expect(await ask(strict.custodianTokens.get('hospital')!)).toBe(200);
    expect((await fetch(`${strict.coordinator.url}/healthz`)).status).toBe(200);
    await strict.stop();
  }, 120_000);
});
