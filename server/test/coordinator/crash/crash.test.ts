import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { digestOf, fromBase64 } from '@clean-room/protocol/bytes';
import { toTimestamp } from '@clean-room/protocol/documents';
import { OutputRelease } from '@clean-room/protocol/runs';
import { World } from '../../support/coordinator.js';
import { DATABASES, type DatabaseMaker } from '../../support/databases.js';
import { assetOf, type TestAsset } from '../../support/parties.js';
import { allMoves, auditState, killedMoves } from './audit.js';
import { Lives, type Moment } from './life.js';
import { around, PersistentCallers } from './persistent.js';

/**
 * kill -9 at every move: the coordinator dies right before the commit that makes it, the next one right behind it, and a
 * third goes on. Whatever the callers repeat carries its idempotency key, as our client's calls do.
 */
describe.each(DATABASES)('kill -9 of the coordinator, on %s', (_kind, prepare) => {
  let maker: DatabaseMaker;
  let world: World;
  let lives: Lives;
  let callers: PersistentCallers;
  let visits: TestAsset;

  beforeAll(async () => {
    maker = await prepare();
    world = await World.prepare({ database: await maker.make() });
    const tees = path.join(world.folder, 'tees');
    await mkdir(tees);
    lives = await Lives.start(world.config, world.kernelImage, tees);
    callers = new PersistentCallers(world, lives);
    world.address = () => lives.url;
    await world.found();
    [visits] = world.assets as [TestAsset];
  });
  afterAll(async () => {
    await lives.end();
    await maker.dispose();
    await rm(world.folder, { recursive: true, force: true });
  });

  test('all the way, with two providers and a review', async () => {
    const { hospital, insurer } = world.parties;
    const id = await callers.killed('revision submitted', () => callers.submit(world.assets));
    await callers.killed('decision approved', () => callers.approve(hospital, id));
    // Armed as one: the life behind the approval starts the run by itself.
    await lives.arm(...around('revision approved'), ...around('run starting'));
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
    await lives.restart(['start-attempt']);
    const { runs } = await callers.submission(await callers.submit([]));
    await callers.killed('run cancelled', () => callers.cancel(runs[0]!.id));
    await lives.restart();
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
    await lives.restart(['start-attempt', 'expire-revision']);
    const id = await callers.submit([visits]);
    await past(soon => callers.approve(world.parties.hospital, id, soon));
    const { runs } = await callers.submission(id);
    await lives.restart(['expire-revision'], around('run failed'));
    await callers.reaches(runs[0]!.id, 'failed');
    await callers.dead();
    await lives.restart([], around('revision expired'));
    await callers.dead();
    expect((await callers.submission(id)).revisions[0]!.state).toBe('expired');
  });

  test('a policy that ends before its provider has decided', async () => {
    await lives.restart(['expire-revision']);
    let id = '';
    await past(async soon => {
      const open = { to: [world.parties.university], kernelImage: world.kernelImage };
      const short = assetOf(world.parties.insurer, 'claims', open, {
        version: 2,
        policy: { version: 2, validUntil: soon }
      });
      await world.publish(short);
      id = await callers.submit([short]);
    });
    await lives.restart([], around('revision expired'));
    await callers.dead();
    expect((await callers.submission(id)).revisions[0]!.state).toBe('expired');
  });

  test.each<Moment>(['before-start', 'after-start'])('%s of a TEE', async moment => {
    await lives.arm({ moment });
    const run = await callers.started(await callers.submit([]));
    await callers.dead();
    await callers.cancel(run.run);
  });

  test('every move was killed before and behind its commit', async () => {
    const log = await auditState(callers.university());
    const deaths = await lives.deaths();
    expect(killedMoves(log, deaths, 'before-commit')).toEqual(allMoves());
    expect(killedMoves(log, deaths, 'after-commit')).toEqual(allMoves());
  });

  test('every TEE was started once, and is stopped', async () => {
    const starts = await lives.starts();
    expect(new Set(starts).size).toBe(starts.length);
    for (const attempt of starts) await callers.until(async () => (await lives.ended(attempt)) || undefined);
    await auditState(callers.university());
  });
});
