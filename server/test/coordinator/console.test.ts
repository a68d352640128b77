import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Client } from '@clean-room/api';
import { routes } from '@clean-room/api/coordinator';
import { DATABASES, type DatabaseFactory } from '../support/databases.js';
import { TestDeployment } from '../support/deployment.js';
import { eventually } from '../support/wait.js';

const ESCAPE = '\u001b';

describe.each(DATABASES)('what a machine wrote, on %s', (_kind, prepare) => {
  const token = randomBytes(32).toString('hex');
  let databases: DatabaseFactory;
  let deployment: TestDeployment;
  let folder: string;
  let run: string;

  beforeAll(async () => {
    databases = await prepare();
    folder = await mkdtemp(path.join(tmpdir(), 'clean-room-operator-'));
    const operatorTokenFile = path.join(folder, 'operator.token');
    await writeFile(operatorTokenFile, token, { mode: 0o600 });
    deployment = await TestDeployment.start({
      database: await databases.create(),
      config: { operatorTokenFile }
    });
    await deployment.publishDocuments();
    const { backend, parties } = deployment;
    const { id } = await deployment.submit(deployment.assets.slice(0, 1));
    await deployment.approve(parties.hospital, id);
    const plan = await eventually(() => backend.starts[0]);
    const { items } = await deployment.person(parties.university).call(routes.listRuns, { query: {} });
    run = items[0]!.id;
    backend.consoles.set(plan.attempt, {
      serial: `${'x'.repeat(100_000)}\r\nthe end ${ESCAPE}[2J`,
      log: [{ at: '2026-11-26T12:00:00Z', severity: 'INFO', message: `started ${ESCAPE}[31m` }]
    });
  }, 180_000);
  afterAll(async () => {
    await deployment.stop();
    await databases.dispose();
    await rm(folder, { recursive: true });
  }, 60_000);

  const operator = () => new Client({ base: deployment.coordinator.url, token: () => token });
  const params = () => ({ id: run });

  test('is shown to the operator, without characters that change a terminal, and marked', async () => {
    const output = await operator().call(routes.getConsole, { params: params(), query: {} });
    expect(output).toMatchObject({
      notice: 'Written by the machine and the operator: proves nothing.',
      attempt: 1,
      attempts: 1,
      log: [{ at: '2026-11-26T12:00:00Z', severity: 'INFO', message: 'started �[31m' }]
    });
    expect(output.serial).toHaveLength(64 * 1024);
    expect(output.serial).toMatch(/x\nthe end �\[2J$/);
  });

  test('is not shown to submitters and providers', async () => {
    const { university, hospital } = deployment.parties;
    for (const client of [
      deployment.person(university),
      deployment.person(hospital),
      deployment.custodian(hospital)
    ]) {
      await expect(client.call(routes.getConsole, { params: params(), query: {} })).rejects.toMatchObject({
        code: 'forbidden',
        message: 'Only the operator can do this.'
      });
    }
  });

  test('is all that the operator’s token opens', async () => {
    await expect(operator().call(routes.listRuns, { query: {} })).rejects.toMatchObject({
      code: 'forbidden'
    });
    await expect(operator().call(routes.getRun, { params: params() })).rejects.toMatchObject({
      code: 'forbidden'
    });
    expect(await operator().call(routes.getMe, {})).toEqual({ subject: 'operator', parties: [] });
  });

  test('is of an attempt that exists', async () => {
    for (const request of [
      { params: { id: '0'.repeat(26) }, query: {} },
      { params: params(), query: { attempt: 2 } }
    ]) {
      await expect(operator().call(routes.getConsole, request)).rejects.toMatchObject({
        code: 'not-found'
      });
    }
  });
});
