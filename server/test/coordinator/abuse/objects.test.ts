import { describe, expect, test } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { request } from 'node:http';
import { digestOf, utf8 } from '@clean-room/protocol/bytes';
import { routes } from '@clean-room/api/coordinator';
import type { World } from '../../support/coordinator.js';
import { DATABASES } from '../../support/databases.js';
import { sharedWorld } from '../../support/shared-world.js';

describe.each(DATABASES)('the coordinator stands its ground, on %s: objects', (_kind, prepare) => {
  let world: World;
  sharedWorld(prepare, shared => {
    world = shared;
  });

  test('what another party put is not there, whoever knows its digest', async () => {
    const { university, hospital, insurer, stranger } = world.parties;
    const secret = randomBytes(100);
    const digest = digestOf(secret);
    const params = { digest };
    await world.custodian(hospital).upload(routes.putObject, { params }, secret);
    for (const client of [world.person(university), world.custodian(insurer), world.person(stranger)]) {
      await expect(client.downloadBytes(routes.getObject, { params })).rejects.toMatchObject({
        code: 'not-found'
      });
    }
    const body = await world.sign(world.specOf([], secret), secret);
    await expect(world.person(university).call(routes.createSubmission, { body })).rejects.toMatchObject({
      code: 'not-found'
    });
    await expect(
      world.person(university).upload(routes.putObject, { params }, randomBytes(100))
    ).rejects.toMatchObject({ code: 'digest-mismatch' });
  });

  test('stand-ins are for members, sealed data for its provider', async () => {
    const { university, hospital, stranger } = world.parties;
    const [asset] = world.assets;
    const standIn = { params: { digest: digestOf(asset!.standIn) } };
    const sealed = { params: { digest: digestOf(asset!.sealed) } };
    expect(await world.person(university).downloadBytes(routes.getObject, standIn)).toEqual(asset!.standIn);
    expect(await world.custodian(hospital).downloadBytes(routes.getObject, sealed)).toEqual(asset!.sealed);
    await expect(world.person(university).downloadBytes(routes.getObject, sealed)).rejects.toMatchObject({
      code: 'not-found'
    });
    await expect(world.person(stranger).downloadBytes(routes.getObject, standIn)).rejects.toMatchObject({
      code: 'not-found'
    });
  });

  test('a body beyond the limit is refused, told or not', async () => {
    const digest = digestOf(utf8('large'));
    const path = `/v1/objects/${encodeURIComponent(digest)}`;
    const told = await new Promise<number>((resolve, reject) => {
      const put = request(world.coordinator.url + path, {
        method: 'PUT',
        headers: {
          authorization: `Bearer ${world.custodianTokens.get('hospital')}`,
          'content-type': 'application/octet-stream',
          'content-length': 2 ** 40
        }
      });
      put.on('response', response => resolve(response.statusCode ?? 0));
      put.on('error', reject);
      put.write('x');
    });
    expect(told).toBe(413);
    const typed = await fetch(world.coordinator.url + path, {
      method: 'PUT',
      headers: {
        authorization: `Bearer ${world.personToken}`,
        'clean-room-party': 'university',
        'content-type': 'application/json'
      },
      body: '{}'
    });
    expect(typed.status).toBe(400);
  });
});
