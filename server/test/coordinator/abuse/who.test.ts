import { describe, expect, test } from '@jest/globals';
import { routes } from '@clean-room/api/coordinator';
import { World } from '../../support/coordinator.js';
import { DATABASES, type DatabaseMaker } from '../../support/databases.js';
import { rosterOf } from '../../support/parties.js';
import { raw } from '../../support/raw.js';
import { sharedWorld } from '../../support/shared-world.js';

describe.each(DATABASES)('the coordinator stands its ground, on %s: who', (_kind, prepare) => {
  let world: World;
  let maker: DatabaseMaker;
  sharedWorld(prepare, (shared, databases) => {
    [world, maker] = [shared, databases];
  });

  test.each([
    ['no token', {}],
    ['a wrong token', { authorization: `Bearer ${'0'.repeat(64)}` }],
    ['another scheme', { authorization: 'Basic dXNlcjpwYXNz' }]
  ])('%s opens nothing', async (_what, headers) => {
    for (const path of [
      '/v1/me',
      '/v1/assets',
      '/v1/log/checkpoint',
      '/v1/events',
      `/v1/runs/${'0'.repeat(26)}`
    ]) {
      const response = await fetch(world.coordinator.url + path, {
        headers: headers as Record<string, string>
      });
      expect(response.status).toBe(401);
      await response.body?.cancel();
    }
  });

  test('a person acts for one party at a time, and only for theirs', async () => {
    expect(await raw(world, 'GET', '/v1/assets', { party: 'nobody' })).toMatchObject({ status: 403 });
    const response = await fetch(`${world.coordinator.url}/v1/assets`, {
      headers: { authorization: `Bearer ${world.personToken}` }
    });
    expect(response.status).toBe(400);
  });

  test('a person is no custodian, and a custodian no person', async () => {
    const { hospital } = world.parties;
    const { id } = await world.submit(world.assets.slice(0, 1));
    const body = await world.approval(hospital, id);
    await expect(world.person(hospital).call(routes.approve, { params: { id }, body })).rejects.toMatchObject(
      {
        code: 'forbidden'
      }
    );
    await expect(world.person(hospital).call(routes.listKeyRequests, {})).rejects.toMatchObject({
      code: 'forbidden'
    });
    await expect(
      world.custodian(hospital).call(routes.createRun, { body: { submission: id } })
    ).rejects.toMatchObject({ code: 'forbidden' });
  });

  test('roles come from the roster, and leave with it', async () => {
    const { stranger } = world.parties;
    const client = world.person(stranger);
    await client.call(routes.publishRoster, { body: { roster: rosterOf(stranger, 2, [{ roles: [] }]) } });
    await expect(client.call(routes.composeImage, { body: { spec: '' } })).rejects.toMatchObject({
      code: 'forbidden'
    });
    await client.call(routes.publishRoster, { body: { roster: rosterOf(stranger, 3, [{ id: 'bob' }]) } });
    await expect(client.call(routes.listAssets, {})).rejects.toMatchObject({ code: 'forbidden' });
    expect((await client.call(routes.getMe, {})).parties.map(({ party }) => party)).not.toContain('stranger');
    await client.call(routes.publishRoster, { body: { roster: rosterOf(stranger, 4) } });
  });

  test('too many requests with one credential are refused, and others still served', async () => {
    const strict = await World.start({ database: await maker.make(), limits: { requestsPerMinute: 5 } });
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
