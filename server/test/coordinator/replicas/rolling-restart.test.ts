import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createHash, randomBytes } from 'node:crypto';
import { request } from 'node:http';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { routes } from '@clean-room/api/coordinator';
import { KernelImages, startCoordinator, type RunningCoordinator } from '../../../src/coordinator/start.js';
import { TestDeployment } from '../../support/deployment.js';
import { NO_IMAGES } from '../../support/images.js';
import { isPostgresInstalled, startPostgres, type PostgresServer } from '../../support/postgres.js';

/* Replicas that are stopped one after the other, as for an update, while clients go on. */
(isPostgresInstalled() ? describe : describe.skip)('a rolling restart', () => {
  let postgres: PostgresServer;
  let deployment: TestDeployment;
  /** The second replica. The first one is that of the deployment. */
  let second: RunningCoordinator;

  const startSecond = (): Promise<RunningCoordinator> =>
    startCoordinator(deployment.config, {
      backend: deployment.backend,
      images: NO_IMAGES,
      kernelImages: new KernelImages([deployment.kernelImage]),
      logTo: { write: () => undefined }
    });

  beforeAll(async () => {
    postgres = await startPostgres();
    deployment = await TestDeployment.start({ database: await postgres.createDatabase() });
    second = await startSecond();
    await deployment.publishDocuments();
  }, 120_000);
  afterAll(async () => {
    await second.close();
    await deployment.stop();
    await postgres.stop();
  }, 60_000);

  test('lets an upload end that has begun', async () => {
    const bytes = randomBytes(300_000);
    const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
    const upload = request(`${second.url}/v1/objects/${digest}`, {
      method: 'PUT',
      headers: {
        authorization: `Bearer ${deployment.personToken}`,
        'clean-room-party': 'university',
        'content-type': 'application/octet-stream',
        'content-length': bytes.length
      }
    });
    upload.write(bytes.subarray(0, 100_000));
    await delay(300);
    const closed = second.close();
    await delay(300);
    upload.end(bytes.subarray(100_000));
    const response = await new Promise<{ status: number | undefined; body: string }>((resolve, reject) => {
      upload.on('error', reject);
      upload.on('response', answer => {
        text(answer).then(body => resolve({ status: answer.statusCode, body }), reject);
      });
    });
    expect(response).toMatchObject({ status: 201, body: expect.stringContaining('300000') });
    await closed;
    second = await startSecond();
  }, 60_000);

  test('loses no run and starts none twice', async () => {
    const university = () => deployment.person(deployment.parties.university);
    const ids: string[] = [];
    const submit = async (): Promise<void> => {
      ids.push((await deployment.submit([])).id);
    };
    for (let round = 0; round < 3; round++) {
      await Promise.all([submit(), submit(), submit()]);
      // The replica that is stopped may hold jobs of these runs.
      await second.close();
      await submit();
      second = await startSecond();
    }
    const until = Date.now() + 60_000;
    while (deployment.backend.starts.length < ids.length && Date.now() < until) await delay(50);
    expect(deployment.backend.starts).toHaveLength(ids.length);
    expect(new Set(deployment.backend.starts.map(({ attempt }) => attempt)).size).toBe(ids.length);
    for (const id of ids) {
      const { runs } = await university().call(routes.getSubmission, { params: { id } });
      expect(runs.map(({ state }) => state)).toEqual(['starting']);
    }
  }, 120_000);
});
