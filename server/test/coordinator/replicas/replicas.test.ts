import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { digestOf, utf8 } from '@clean-room/protocol/bytes';
import { Client } from '@clean-room/api';
import { routes, type CoordinatorEvent } from '@clean-room/api/coordinator';
import { TestDeployment } from '../../support/deployment.js';
import { isPostgresInstalled, startPostgres, type PostgresServer } from '../../support/postgres.js';
import type { TestAsset } from '../../support/parties.js';
import { auditState } from '../crash/audit.js';
import { RetryingClients } from '../crash/retrying-clients.js';
import { Replicas } from './replicas.js';

/* Two replicas on one PostgreSQL. Each request of a run may go to another one, and one of them may be dead. */
(isPostgresInstalled() ? describe : describe.skip)('two replicas of a coordinator', () => {
  let postgres: PostgresServer;
  let deployment: TestDeployment;
  let replicas: Replicas;
  let clients: RetryingClients;
  let visits: TestAsset;
  /** Runs that were completed, and submissions that only wait for a decision. */
  const completed: string[] = [];
  const waiting: string[] = [];

  beforeAll(async () => {
    postgres = await startPostgres();
    deployment = await TestDeployment.prepare({ database: await postgres.createDatabase() });
    const tees = path.join(deployment.folder, 'tees');
    await mkdir(tees);
    replicas = await Replicas.start(2, deployment.config, deployment.kernelImage, tees);
    clients = new RetryingClients(deployment, replicas);
    deployment.address = () => replicas.url;
    await deployment.publishDocuments();
    [visits] = deployment.assets as [TestAsset];
  }, 120_000);
  afterAll(async () => {
    await replicas.end();
    await postgres.stop();
    await rm(deployment.folder, { recursive: true, force: true });
  }, 60_000);

  /** Carries a run from its submission to its receipt. */
  async function completeRun(): Promise<void> {
    const run = await clients.started(await clients.submit([]));
    await clients.runCell(run);
    await clients.deliver(run, [], []);
    await clients.receipt(run.run);
    completed.push(run.run);
  }

  /** Submits for review until `stopped`, without starting runs. */
  async function submitUntil(stopped: AbortSignal): Promise<void> {
    while (!stopped.aborted) waiting.push(await clients.submit([visits]));
  }

  test('complete runs together, and lose nothing when each is killed in turn', async () => {
    const stop = new AbortController();
    const load = Promise.all([submitUntil(stop.signal), submitUntil(stop.signal)]);
    for (let count = 0; count < 2; count++) await completeRun();
    await replicas.kill(0);
    for (let count = 0; count < 2; count++) await completeRun();
    await replicas.revive(0);
    await replicas.kill(1);
    for (let count = 0; count < 2; count++) await completeRun();
    await replicas.revive(1);
    await completeRun();
    stop.abort();
    await load;
    expect(waiting.length).toBeGreaterThan(5);
  }, 240_000);

  test.each([0, 1])(
    'continue an attempt that replica %i was starting when it was killed',
    async index => {
      const replica = { killed: false };
      const end = replicas
        .at(index)
        .ended()
        .then(() => {
          replica.killed = true;
          replicas.exclude(index);
        });
      await replicas.at(index).arm({ point: 'before-start' });
      // Either replica may take the job of a run. The other one completes what it takes.
      for (let count = 0; count < 20 && !replica.killed; count++) await completeRun();
      await end;
      await replicas.revive(index);
    },
    240_000
  );

  test('carry out a request once when both receive it at the same time', async () => {
    const notebook = utf8('print("once")');
    const params = { digest: digestOf(notebook) };
    const person = (index: number): Client =>
      new Client({
        base: replicas.at(index).url,
        token: () => deployment.personToken,
        party: deployment.parties.university.name
      });
    await person(0).upload(routes.putObject, { params }, notebook);
    const body = await deployment.sign(deployment.specOf([visits], notebook), notebook);
    const requests = Array.from({ length: 10 }, (_, index) =>
      person(index % 2).call(routes.createSubmission, { body, idempotencyKey: 'one-submission' })
    );
    const ids = (await Promise.all(requests)).map(({ id }) => id);
    expect(new Set(ids).size).toBe(1);
    waiting.push(ids[0]!);
  }, 60_000);

  test('continue an event stream that began on the other one', async () => {
    const seen: string[] = [];
    const follow = async (index: number, lastEventId: string | undefined, count: number): Promise<string> => {
      const client = new Client({
        base: replicas.at(index).url,
        token: () => deployment.personToken,
        party: deployment.parties.university.name
      });
      const end = new AbortController();
      let last = lastEventId ?? '';
      const options = lastEventId === undefined ? {} : { lastEventId };
      for await (const event of client.events(routes.streamEvents, { signal: end.signal, ...options })) {
        const data = JSON.parse(event.data) as CoordinatorEvent;
        if (data.topic !== 'submission') continue;
        seen.push(data.submission);
        last = event.id ?? last;
        if (--count === 0) break;
      }
      end.abort();
      return last;
    };
    const submitted: string[] = [];
    const first = follow(0, undefined, 2);
    // The stream is open when its first event arrives, so the first submission may come too early.
    await new Promise(resolve => setTimeout(resolve, 2000));
    for (let count = 0; count < 2; count++) submitted.push(await clients.submit([visits]));
    const last = await first;
    for (let count = 0; count < 3; count++) submitted.push(await clients.submit([visits]));
    await follow(1, last, 3);
    expect(seen).toEqual(submitted);
    waiting.push(...submitted);
  }, 60_000);

  test('have one log, in which everything happened once', async () => {
    const log = await auditState(clients.university());
    const count = (state: string): number => log.filter(entry => entry.state === state).length;
    expect(count('completed')).toBe(completed.length);
    expect(new Set(completed).size).toBe(completed.length);
    const submitted = new Set(log.filter(({ subject }) => subject === 'revision').map(({ id }) => id));
    expect(submitted.size).toBe(completed.length + waiting.length);
    const starts = await replicas.starts();
    expect(new Set(starts).size).toBe(starts.length);
    expect(starts).toHaveLength(completed.length);
  }, 60_000);
});
