import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { digestOf, fromBase64 } from '@clean-room/protocol/bytes';
import { toTimestamp } from '@clean-room/protocol/documents';
import { OutputRelease } from '@clean-room/protocol/runs';
import { TestDeployment } from '../../support/deployment.js';
import { DATABASES, type DatabaseFactory } from '../../support/databases.js';
import { assetOf, type TestAsset } from '../../support/parties.js';
import { allTransitions, auditState, killedTransitions } from './audit.js';
import { KilledCoordinator, type KillPoint } from './killed-coordinator.js';
import { around, RetryingClients } from './retrying-clients.js';

/**
 * kill -9 at every transition: the coordinator dies right before the commit that makes it, the next one right behind it, and a
 * third goes on. Whatever the callers repeat carries its idempotency key, as our client's calls do.
 */
describe.each(DATABASES)('kill -9 of the coordinator, on %s', (_kind, prepare) => {
  let databases: DatabaseFactory;
  let deployment: TestDeployment;
  let killed: KilledCoordinator;
  let callers: RetryingClients;
  let visits: TestAsset;

  beforeAll(async () => {
    databases = await prepare();
    deployment = await TestDeployment.prepare({ database: await databases.create() });
    const tees = path.join(deployment.folder, 'tees');
    await mkdir(tees);
    killed = await KilledCoordinator.start(deployment.config, deployment.kernelImage, tees);
    callers = new RetryingClients(deployment, killed);
    deployment.address = () => killed.url;
    await deployment.publishDocuments();
    [visits] = deployment.assets as [TestAsset];
  });
  afterAll(async () => {
    await killed.end();
    await databases.dispose();
    await rm(deployment.folder, { recursive: true, force: true });
  });

  test('all the way, with two providers and a review', async () => {
    const { hospital, insurer } = deployment.parties;
    const id = await callers.killed('revision submitted', () => callers.submit(deployment.assets));
    await callers.killed('decision approved', () => callers.approve(hospital, id));
    // Armed as one: the life behind the approval starts the run by itself.
    await killed.arm(...around('revision approved'), ...around('run starting'));
    await callers.approve(insurer, id);
    const run = await callers.started(id);
    await callers.dead();
    await callers.killed('run awaiting-keys', () => callers.awaitKeys(run));
    const keys = await callers.askForKeys(run);
    await callers.killed('run running', () => callers.runCell(run));
    const result = await callers.killed('run output-review', () => callers.deliver(run, keys));
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
    await callers.killed('run completed', () => callers.releaseOutputs(run.run, outputRelease));
    expect((await callers.submission(id)).runs).toHaveLength(1);
    await callers.receipt(run.run);
  });

  test('a notebook without data, released without review', async () => {
    const run = await callers.started(await callers.killed('run queued', () => callers.submit([])));
    await callers.killed('run running', () => callers.runCell(run));
    await callers.killed('run completed', () => callers.deliver(run, [], []));
    await callers.receipt(run.run);
  });

  test('revisions that are not approved', async () => {
    const changed = await callers.submit([visits]);
    await callers.killed('revision changes-requested', () => callers.requestChanges(changed));
    const withdrawn = await callers.submit([visits]);
    await callers.killed('revision withdrawn', () => callers.withdraw(withdrawn));
    const rejected = await callers.submit([visits]);
    await callers.killed('revision rejected', () => callers.reject(rejected));
  });

  test('runs that are cancelled', async () => {
    const revoked = await callers.approvedRun(visits);
    await callers.killed('run cancelled', () => callers.reject(revoked.submission));
    const withdrawn = await callers.approvedRun(visits);
    await callers.awaitKeys(withdrawn);
    await callers.killed('run cancelled', () => callers.withdraw(withdrawn.submission));
    const running = await callers.approvedRun(visits);
    await callers.runCell(running);
    await callers.killed('run cancelled', () => callers.cancel(running.run));
    const reviewed = await callers.approvedRun(visits);
    await callers.deliver(reviewed);
    await callers.killed('run cancelled', () => callers.cancel(reviewed.run));
    await killed.restart(['start-attempt']);
    const { runs } = await callers.submission(await callers.submit([]));
    await callers.killed('run cancelled', () => callers.cancel(runs[0]!.id));
    await killed.restart();
  });

  test('runs that fail', async () => {
    const starting = await callers.approvedRun(visits);
    await callers.killed('run failed', () => callers.stop(starting));
    const asking = await callers.approvedRun(visits);
    await callers.awaitKeys(asking);
    await callers.killed('run failed', () => callers.stop(asking));
    const running = await callers.approvedRun(visits);
    await callers.runCell(running);
    await callers.killed('run failed', () => callers.stop(running));
    const reviewed = await callers.approvedRun(visits);
    await callers.deliver(reviewed);
    await callers.killed('run failed', () => callers.withholdOutputs(reviewed.run));
  });

  /** Resolves with a time that is past by now, and was to come when `work` was done. */
  async function past(work: (soon: string) => Promise<void>): Promise<void> {
    const soon = toTimestamp(new Date(Date.now() + 8000));
    await work(soon);
    await callers.until(async () => (Date.now() > Date.parse(soon) ? true : undefined));
  }

  test('an approval that ends before its run begins', async () => {
    await killed.restart(['start-attempt', 'expire-revision']);
    const id = await callers.submit([visits]);
    await past(soon => callers.approve(deployment.parties.hospital, id, soon));
    const { runs } = await callers.submission(id);
    await killed.restart(['expire-revision'], around('run failed'));
    await callers.reaches(runs[0]!.id, 'failed');
    await callers.dead();
    await killed.restart([], around('revision expired'));
    await callers.dead();
    expect((await callers.submission(id)).revisions[0]!.state).toBe('expired');
  });

  test('a policy that ends before its provider has decided', async () => {
    await killed.restart(['expire-revision']);
    let id = '';
    await past(async soon => {
      const open = { to: [deployment.parties.university], kernelImage: deployment.kernelImage };
      const short = assetOf(deployment.parties.insurer, 'claims', open, {
        version: 2,
        policy: { version: 2, validUntil: soon }
      });
      await deployment.publishAsset(short);
      id = await callers.submit([short]);
    });
    await killed.restart([], around('revision expired'));
    await callers.dead();
    expect((await callers.submission(id)).revisions[0]!.state).toBe('expired');
  });

  test.each<KillPoint>(['before-start', 'after-start'])('%s of a TEE', async moment => {
    await killed.arm({ moment });
    const run = await callers.started(await callers.submit([]));
    await callers.dead();
    await callers.cancel(run.run);
  });

  test('every transition was killed before and behind its commit', async () => {
    const log = await auditState(callers.university());
    const crashes = await killed.crashes();
    expect(killedTransitions(log, crashes, 'before-commit')).toEqual(allTransitions());
    expect(killedTransitions(log, crashes, 'after-commit')).toEqual(allTransitions());
  });

  test('every TEE was started once, and is stopped', async () => {
    const starts = await killed.starts();
    expect(new Set(starts).size).toBe(starts.length);
    for (const attempt of starts) await callers.until(async () => (await killed.ended(attempt)) || undefined);
    await auditState(callers.university());
  });
});
