import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { digestOf, fromBase64 } from '@clean-room/protocol/bytes';
import { toTimestamp } from '@clean-room/protocol/documents';
import { OutputRelease } from '@clean-room/protocol/runs';
import { testSimulator } from '../../support/simulator.js';
import { TestDeployment } from '../../support/deployment.js';
import { DATABASES, type DatabaseFactory } from '../../support/databases.js';
import { assetOf, type TestAsset } from '../../support/parties.js';
import { allTransitions, auditState, killedTransitions } from './audit.js';
import { KilledCoordinator, type KillPoint } from './killed-coordinator.js';
import { beforeAndAfter, RetryingClients } from './retrying-clients.js';

/**
 * Returns whether the coordinator is killed at every transition with this kind of database. That takes minutes, and both kinds
 * run the same SQL, so with the embedded one it is killed only three times, except in `npm run test:long`.
 */
function everyTransition(kind: string): boolean {
  return kind === DATABASES.at(-1)?.[0] || process.env['CLEAN_ROOM_LONG_TESTS'] === '1';
}

/**
 * Kills the coordinator at transitions: one process just before the commit, and the next one just after it. A third one
 * continues. Clients repeat their requests with the same idempotency key, as our client does.
 */
describe.each(DATABASES)('a coordinator that is killed, on %s', (kind, prepare) => {
  let databases: DatabaseFactory;
  let deployment: TestDeployment;
  let coordinator: KilledCoordinator;
  let clients: RetryingClients;
  let visits: TestAsset;

  beforeAll(async () => {
    databases = await prepare();
    deployment = await TestDeployment.prepare({ database: await databases.create() });
    const tees = path.join(deployment.folder, 'tees');
    await mkdir(tees);
    coordinator = await KilledCoordinator.start(deployment.config, deployment.kernelImage, tees);
    clients = new RetryingClients(deployment, coordinator);
    deployment.address = () => coordinator.url;
    await deployment.publishDocuments();
    [visits] = deployment.assets as [TestAsset];
  });
  afterAll(async () => {
    await coordinator.end();
    await databases.dispose();
    await rm(deployment.folder, { recursive: true, force: true });
  });

  test('survives kills during a run without data or review', async () => {
    const run = await clients.started(await clients.withKills('run queued', () => clients.submit([])));
    await clients.withKills('run running', () => clients.runCell(run));
    await clients.withKills('run completed', () => clients.deliver(run, [], []));
    await clients.receipt(run.run);
  });

  if (!everyTransition(kind)) {
    startsOnce();
    return;
  }

  test('survives kills during a run with two providers and a review', async () => {
    const { hospital, insurer } = deployment.parties;
    const id = await clients.withKills('revision submitted', () => clients.submit(deployment.assets));
    await clients.withKills('decision approved', () => clients.approve(hospital, id));
    // These kills are planned together, because the process after the approval starts the run by itself.
    await coordinator.arm(...beforeAndAfter('revision approved'), ...beforeAndAfter('run starting'));
    await clients.approve(insurer, id);
    const run = await clients.started(id);
    await clients.allKillsDone();
    await clients.withKills('run awaiting-keys', () => clients.awaitKeys(run));
    const keys = await clients.requestKeys(run);
    await clients.withKills('run running', () => clients.runCell(run));
    const result = await clients.withKills('run output-review', () => clients.deliver(run, keys));
    const outputRelease = OutputRelease.sign(
      {
        format: 'clean-room.output-release/v1',
        provider: 'hospital',
        custodian: hospital.custodian.publicKey,
        statement: digestOf(fromBase64(result.statement)),
        outputs: [{ digest: result.outputs[0]!, layerKey: 'AAAA' }],
        reviewer: 'ada',
        releasedAt: '2026-01-01T00:00:00Z'
      },
      hospital.custodian
    );
    await clients.withKills('run completed', () => clients.releaseOutputs(run.run, outputRelease));
    expect((await clients.submission(id)).runs).toHaveLength(1);
    await clients.receipt(run.run);
  });

  test('survives kills while revisions are not approved', async () => {
    const changed = await clients.submit([visits]);
    await clients.withKills('revision changes-requested', () => clients.requestChanges(changed));
    const withdrawn = await clients.submit([visits]);
    await clients.withKills('revision withdrawn', () => clients.withdraw(withdrawn));
    const rejected = await clients.submit([visits]);
    await clients.withKills('revision rejected', () => clients.reject(rejected));
  });

  test('survives kills while runs are cancelled', async () => {
    const revoked = await clients.approvedRun(visits);
    await clients.withKills('run cancelled', () => clients.reject(revoked.submission));
    const withdrawn = await clients.approvedRun(visits);
    await clients.awaitKeys(withdrawn);
    await clients.withKills('run cancelled', () => clients.withdraw(withdrawn.submission));
    const running = await clients.approvedRun(visits);
    await clients.runCell(running);
    await clients.withKills('run cancelled', () => clients.cancel(running.run));
    const reviewed = await clients.approvedRun(visits);
    await clients.deliver(reviewed);
    await clients.withKills('run cancelled', () => clients.cancel(reviewed.run));
    await coordinator.restart(['start-attempt']);
    const { runs } = await clients.submission(await clients.submit([]));
    await clients.withKills('run cancelled', () => clients.cancel(runs[0]!.id));
    await coordinator.restart();
  });

  test('survives kills while the machines of a run are preempted', async () => {
    const starting = await clients.approvedRun(visits);
    await clients.withKills('run queued', () => coordinator.preempt(starting.attempt));
    const asking = await clients.started(starting.submission);
    await clients.awaitKeys(asking);
    await clients.withKills('run queued', () => coordinator.preempt(asking.attempt));
    // Progress reports can be lost, so a run can be running although no key was released for it.
    const running = await clients.started(starting.submission);
    await clients.runCell(running);
    await clients.withKills('run queued', () => coordinator.preempt(running.attempt));
    const last = await clients.started(starting.submission);
    expect(last.run).toBe(starting.run);
    await clients.cancel(last.run);
  });

  test('survives kills while runs fail', async () => {
    const starting = await clients.approvedRun(visits);
    await clients.withKills('run failed', () => clients.stop(starting));
    const asking = await clients.approvedRun(visits);
    await clients.awaitKeys(asking);
    await clients.withKills('run failed', () => clients.stop(asking));
    const running = await clients.approvedRun(visits);
    await clients.runCell(running);
    await clients.withKills('run failed', () => clients.stop(running));
    const reviewed = await clients.approvedRun(visits);
    await clients.deliver(reviewed);
    await clients.withKills('run failed', () => clients.withholdOutputs(reviewed.run));
  });

  /** Calls `work` with a time in the near future, and resolves when that time has passed. */
  async function waitPast(work: (soon: string) => Promise<void>): Promise<void> {
    const soon = toTimestamp(new Date(Date.now() + 8000));
    await work(soon);
    await clients.until(async () => (Date.now() > Date.parse(soon) ? true : undefined));
  }

  test('fails a run whose approval expires before it starts', async () => {
    await coordinator.restart(['start-attempt', 'expire-revision']);
    const id = await clients.submit([visits]);
    await waitPast(soon => clients.approve(deployment.parties.hospital, id, soon));
    const { runs } = await clients.submission(id);
    await coordinator.restart(['expire-revision'], beforeAndAfter('run failed'));
    await clients.reaches(runs[0]!.id, 'failed');
    await clients.allKillsDone();
    await coordinator.restart([], beforeAndAfter('revision expired'));
    await clients.allKillsDone();
    expect((await clients.submission(id)).revisions[0]!.state).toBe('expired');
  });

  test('expires a revision whose policy ends before its provider decides', async () => {
    await coordinator.restart(['expire-revision']);
    let id = '';
    await waitPast(async soon => {
      const { root } = await testSimulator();
      const open = {
        to: [deployment.parties.university],
        collaboration: deployment.collaboration.read.digest,
        kernelImage: deployment.kernelImage,
        root
      };
      const short = assetOf(deployment.parties.insurer, 'claims', open, {
        version: 2,
        policy: { version: 2, validUntil: soon }
      });
      await deployment.publishAsset(short);
      id = await clients.submit([short]);
    });
    await coordinator.restart([], beforeAndAfter('revision expired'));
    await clients.allKillsDone();
    expect((await clients.submission(id)).revisions[0]!.state).toBe('expired');
  });

  test.each<KillPoint>(['before-start', 'after-start'])('starts a TEE once when killed %s', async point => {
    await coordinator.arm({ point });
    const run = await clients.started(await clients.submit([]));
    await clients.allKillsDone();
    await clients.cancel(run.run);
  });

  if (kind === 'PostgreSQL') {
    test.each<KillPoint>(['before-numbering', 'after-numbering'])(
      'gives each log entry one number when killed %s',
      async point => {
        await coordinator.arm({ point, transition: 'run queued' });
        const run = await clients.started(await clients.submit([]));
        await clients.runCell(run);
        await coordinator.arm({ point, transition: 'run completed' });
        await clients.deliver(run, [], []);
        await clients.allKillsDone();
        await clients.receipt(run.run);
        await auditState(clients.university());
      }
    );
  }

  test('was killed before and after the commit of every transition', async () => {
    const log = await auditState(clients.university());
    const crashes = await coordinator.crashes();
    expect(killedTransitions(log, crashes, 'before-commit')).toEqual(allTransitions());
    expect(killedTransitions(log, crashes, 'after-commit')).toEqual(allTransitions());
  });

  startsOnce();

  function startsOnce(): void {
    test('has started every TEE once, and stopped it', async () => {
      const starts = await coordinator.starts();
      expect(new Set(starts).size).toBe(starts.length);
      for (const attempt of starts)
        await clients.until(async () => (await coordinator.teeEnded(attempt)) || undefined);
      await auditState(clients.university());
    });
  }
});
