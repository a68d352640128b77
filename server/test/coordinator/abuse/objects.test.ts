import { describe, expect, test } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { request } from 'node:http';
import { digestOf, utf8 } from '@clean-room/protocol/bytes';
import { routes } from '@clean-room/api/coordinator';
import type { TestDeployment } from '../../support/deployment.js';
import { DATABASES } from '../../support/databases.js';
import { useSharedDeployment } from '../../support/shared-deployment.js';

describe.each(DATABASES)('the coordinator resists abuse, on %s: objects', (_kind, prepare) => {
  let deployment: TestDeployment;
  useSharedDeployment(prepare, shared => {
    deployment = shared;
  });

  test('hides objects of another party from callers who know the digest', async () => {
    const { university, hospital, insurer, stranger } = deployment.parties;
    const secret = randomBytes(100);
    const digest = digestOf(secret);
    const params = { digest };
    await deployment.custodian(hospital).upload(routes.putObject, { params }, secret);
    for (const client of [
      deployment.person(university),
      deployment.custodian(insurer),
      deployment.person(stranger)
    ]) {
      await expect(client.downloadBytes(routes.getObject, { params })).rejects.toMatchObject({
        code: 'not-found'
      });
    }
    const body = await deployment.sign(deployment.specOf([], secret), secret);
    await expect(deployment.person(university).call(routes.createSubmission, { body })).rejects.toMatchObject(
      {
        code: 'not-found'
      }
    );
    await expect(
      deployment.person(university).upload(routes.putObject, { params }, randomBytes(100))
    ).rejects.toMatchObject({ code: 'digest-mismatch' });
  });

  test('gives stand-ins to members, and sealed data only to its provider', async () => {
    const { university, hospital, stranger } = deployment.parties;
    const [asset] = deployment.assets;
    const standIn = { params: { digest: digestOf(asset!.standIn) } };
    const sealed = { params: { digest: digestOf(asset!.sealed) } };
    expect(await deployment.person(university).downloadBytes(routes.getObject, standIn)).toEqual(
      asset!.standIn
    );
    expect(await deployment.custodian(hospital).downloadBytes(routes.getObject, sealed)).toEqual(
      asset!.sealed
    );
    await expect(deployment.person(university).downloadBytes(routes.getObject, sealed)).rejects.toMatchObject(
      {
        code: 'not-found'
      }
    );
    await expect(deployment.person(stranger).downloadBytes(routes.getObject, standIn)).rejects.toMatchObject({
      code: 'not-found'
    });
  });

  test('refuses a body that is too large, or of another content type', async () => {
    const digest = digestOf(utf8('large'));
    const path = `/v1/objects/${encodeURIComponent(digest)}`;
    const status = await new Promise<number>((resolve, reject) => {
      const put = request(deployment.coordinator.url + path, {
        method: 'PUT',
        headers: {
          authorization: `Bearer ${deployment.custodianTokens.get('hospital')}`,
          'content-type': 'application/octet-stream',
          'content-length': 2 ** 40
        }
      });
      put.on('response', response => resolve(response.statusCode ?? 0));
      put.on('error', reject);
      put.write('x');
    });
    expect(status).toBe(413);
    const json = await fetch(deployment.coordinator.url + path, {
      method: 'PUT',
      headers: {
        authorization: `Bearer ${deployment.personToken}`,
        'clean-room-party': 'university',
        'content-type': 'application/json'
      },
      body: '{}'
    });
    expect(json.status).toBe(400);
  });
});
