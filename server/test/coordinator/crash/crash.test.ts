import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { digestOf, fromBase64, utf8 } from '@clean-room/protocol/bytes';
import { toTimestamp, type Envelope } from '@clean-room/protocol/documents';
import { isCleanRoomError } from '@clean-room/protocol/errors';
import type { JobResult } from '@clean-room/protocol/jobs';
import {
  OutputRelease,
  type DecisionState,
  type RevisionState,
  type RunState
} from '@clean-room/protocol/runs';
import * as api from '../../../src/client/coordinator/index.js';
import { World } from '../../support/coordinator.js';
import { DATABASES, type DatabaseMaker } from '../../support/databases.js';
import { assetOf, type TestAsset, type TestParty } from '../../support/parties.js';
import { keyRelease, TestSupervisor } from '../../support/supervisor.js';
import { allMoves, auditState, killedMoves } from './audit.js';
import { Lives, type Kill, type Moment } from './life.js';

type Move = `revision ${RevisionState}` | `decision ${DecisionState}` | `run ${RunState}`;

const around = (move: Move): Kill[] => [
  { moment: 'before-commit', move },
  { moment: 'after-commit', move }
];

interface Started {
  readonly submission: string;
  readonly run: string;
  readonly supervisor: TestSupervisor;
}

/**
 * kill -9 at every move: the coordinator dies right before the commit that makes it, the next one right behind it, and a
 * third goes on. Whatever the callers repeat carries its idempotency key, as our client's calls do.
 */
describe.each(DATABASES)('kill -9 of the coordinator, on %s', (_kind, prepare) => {
  let maker: DatabaseMaker;
  let world: World;
  let lives: Lives;
  let step = 0;
  let visits: TestAsset;
  const seen = new Set<string>();

  beforeAll(async () => {
    maker = await prepare();
    world = await World.prepare({ database: await maker.make() });
    const tees = path.join(world.folder, 'tees');
    await mkdir(tees);
    lives = await Lives.start(world.config, world.kernelImage, tees);
    world.address = () => lives.url;
    await world.found();
    [visits] = world.assets as [TestAsset];
  });
  afterAll(async () => {
    await lives.end();
    await maker.dispose();
    await rm(world.folder, { recursive: true, force: true });
  });

  /** Repeats `work` through deaths of the coordinator until it has been done. */
  async function persist<T>(work: (idempotencyKey: string) => Promise<T>): Promise<T> {
    const key = `step-${String(++step).padStart(8, '0')}`;
    for (let tries = 0; ; tries++) {
      try {
        return await lives.whileAlive(work(key));
      } catch (error) {
        if (!isCleanRoomError(error, 'unavailable') || tries > 50) throw error;
        await lives.beginAgainIfOver();
      }
    }
  }

  async function until<T>(look: () => Promise<T | undefined>): Promise<T> {
    const end = Date.now() + 120_000;
    for (;;) {
      const found = await persist(look);
      if (found !== undefined) return found;
      if (Date.now() > end) throw new Error('nothing came within two minutes');
      await lives.beginAgainIfOver();
      await new Promise(resolve => setTimeout(resolve, 30));
    }
  }

  /** Waits until the coordinator was killed as often as it was to be, and lives again. */
  async function dead(): Promise<void> {
    await until(async () => (lives.due.length === 0 ? true : undefined));
  }

  /** Has the coordinator killed around each commit in which `work` makes the move. */
  async function killed<T>(move: Move, work: () => Promise<T>): Promise<T> {
    await lives.arm(...around(move));
    const value = await work();
    await dead();
    return value;
  }

  const university = () => world.person(world.parties.university);
  const reviewer = () => world.person(world.parties.hospital);
  const submission = (id: string) => persist(() => university().call(api.getSubmission, { params: { id } }));
  const because = { reason: 'because' };

  async function submit(assets: readonly TestAsset[]): Promise<string> {
    const notebook = utf8(`print(${step})`);
    const body = await world.sign(world.specOf(assets, notebook), notebook);
    await persist(() =>
      university().upload(api.putObject, { params: { digest: digestOf(notebook) } }, notebook)
    );
    const { id } = await persist(idempotencyKey =>
      university().call(api.createSubmission, { body, idempotencyKey })
    );
    return id;
  }

  async function approve(provider: TestParty, id: string, expires = '2097-01-01T00:00:00Z'): Promise<void> {
    const body = await persist(() => world.approval(provider, id, { expires }));
    await persist(idempotencyKey =>
      world.custodian(provider).call(api.approve, { params: { id }, body, idempotencyKey })
    );
  }

  async function reject(id: string): Promise<void> {
    await persist(idempotencyKey =>
      reviewer().call(api.reject, { params: { id }, body: because, idempotencyKey })
    );
  }

  async function withdraw(id: string): Promise<void> {
    await persist(idempotencyKey => university().call(api.withdraw, { params: { id }, idempotencyKey }));
  }

  async function cancel(run: string): Promise<void> {
    await persist(idempotencyKey =>
      university().call(api.cancelRun, { params: { id: run }, idempotencyKey })
    );
  }

  const stateOf = async (run: string): Promise<RunState> =>
    (await persist(() => university().call(api.getRun, { params: { id: run } }))).state;

  async function reaches(run: string, state: RunState): Promise<void> {
    await until(async () => ((await stateOf(run)) === state ? true : undefined));
  }

  /** The run of an approved submission, once its TEE is there. */
  async function started(id: string): Promise<Started> {
    const attempt = await until(async () => (await lives.starts()).find(attempt => !seen.has(attempt)));
    seen.add(attempt);
    const { runs, revisions } = await submission(id);
    const { image } = revisions.at(-1)!;
    const limits = { processors: 1, memoryBytes: 1, wallSeconds: 1 };
    const job = await until(() => lives.job(attempt));
    // A supervisor talks to whichever coordinator lives.
    const supervisor = new TestSupervisor(() => world.supervisor(), { attempt, image, job, ...limits });
    return { submission: id, run: runs.at(-1)!.id, supervisor };
  }

  async function approvedRun(): Promise<Started> {
    const id = await submit([visits]);
    await approve(world.parties.hospital, id);
    return started(id);
  }

  const awaitKeys = ({ supervisor }: Started) =>
    persist(() => supervisor.progress({ phase: 'awaiting-keys' }));
  const runCell = ({ supervisor }: Started) =>
    persist(() => supervisor.progress({ phase: 'running', cell: 1, cells: 2 }));
  const stop = ({ supervisor }: Started) =>
    persist(() => supervisor.progress({ phase: 'stopped', reason: 'sandbox-unsafe' }));

  async function specOf(id: string): Promise<Uint8Array> {
    return fromBase64((await submission(id)).revisions[0]!.spec);
  }

  async function resultOf({ submission: id, supervisor }: Started, keys: Envelope[], reviewers: string[]) {
    const spec = await specOf(id);
    return persist(() => supervisor.put(spec, keys, { reviewers }));
  }

  async function deliver(
    at: Started,
    keys: Envelope[] = [],
    reviewers: string[] = [world.parties.hospital.custodian.publicKey]
  ): Promise<JobResult> {
    const result = await resultOf(at, keys, reviewers);
    await persist(() => at.supervisor.post(result));
    return result;
  }

  async function askForKeys({ submission: id, supervisor }: Started): Promise<Envelope[]> {
    const spec = await specOf(id);
    const document = await persist(() => supervisor.document());
    const keys: Envelope[] = [];
    for (const [index, custodian] of [world.parties.hospital, world.parties.insurer].entries()) {
      const message = supervisor.keyRequest(spec, document.approvals[index]!, document.collaboration);
      const request = await persist(() => supervisor.ask(message));
      const answer = keyRelease(custodian, message);
      await persist(idempotencyKey =>
        world
          .custodian(custodian)
          .call(api.answerKeyRequest, { params: { request }, body: { answer }, idempotencyKey })
      );
      expect(await persist(() => supervisor.reply(request))).toEqual({ answer });
      keys.push(answer);
    }
    return keys;
  }

  test('all the way, with two providers and a review', async () => {
    const { hospital, insurer } = world.parties;
    const id = await killed('revision submitted', () => submit(world.assets));
    await killed('decision approved', () => approve(hospital, id));
    // Armed as one: the life behind the approval starts the run by itself.
    await lives.arm(...around('revision approved'), ...around('run starting'));
    await approve(insurer, id);
    const run = await started(id);
    await dead();
    await killed('run awaiting-keys', () => awaitKeys(run));
    const keys = await askForKeys(run);
    await killed('run running', () => runCell(run));
    const result = await killed('run output-review', () => deliver(run, keys));
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
    await killed('run released', () =>
      persist(idempotencyKey =>
        world
          .custodian(hospital)
          .call(api.releaseOutputs, { params: { id: run.run }, body: { outputRelease }, idempotencyKey })
      )
    );
    expect((await submission(id)).runs).toHaveLength(1);
    await persist(() => university().downloadBytes(api.getReceipt, { params: { id: run.run } }));
  });

  test('a notebook without data, released without review', async () => {
    const run = await started(await killed('run queued', () => submit([])));
    await killed('run running', () => runCell(run));
    await killed('run released', () => deliver(run, [], []));
    await persist(() => university().downloadBytes(api.getReceipt, { params: { id: run.run } }));
  });

  test('revisions that are not approved', async () => {
    const changed = await submit([visits]);
    await killed('revision changes-requested', () =>
      persist(idempotencyKey =>
        reviewer().call(api.requestChanges, { params: { id: changed }, body: because, idempotencyKey })
      )
    );
    const withdrawn = await submit([visits]);
    await killed('revision withdrawn', () => withdraw(withdrawn));
    const rejected = await submit([visits]);
    await killed('revision rejected', () => reject(rejected));
  });

  test('runs that are cancelled', async () => {
    const revoked = await approvedRun();
    await killed('run cancelled', () => reject(revoked.submission));
    const withdrawn = await approvedRun();
    await awaitKeys(withdrawn);
    await killed('run cancelled', () => withdraw(withdrawn.submission));
    const running = await approvedRun();
    await runCell(running);
    await killed('run cancelled', () => cancel(running.run));
    const reviewed = await approvedRun();
    await deliver(reviewed);
    await killed('run cancelled', () => cancel(reviewed.run));
    await lives.restart(['start-attempt']);
    const { runs } = await submission(await submit([]));
    await killed('run cancelled', () => cancel(runs[0]!.id));
    await lives.restart();
  });

  test('runs that fail', async () => {
    const starting = await approvedRun();
    await killed('run failed', () => stop(starting));
    const asking = await approvedRun();
    await awaitKeys(asking);
    await killed('run failed', () => stop(asking));
    const running = await approvedRun();
    await runCell(running);
    await killed('run failed', () => stop(running));
    const reviewed = await approvedRun();
    await deliver(reviewed);
    await killed('run failed', () =>
      persist(idempotencyKey =>
        world
          .custodian(world.parties.hospital)
          .call(api.withholdOutputs, { params: { id: reviewed.run }, body: because, idempotencyKey })
      )
    );
  });

  /** Resolves with a time that is past by now, and was to come when `work` was done. */
  async function past(work: (soon: string) => Promise<void>): Promise<void> {
    const soon = toTimestamp(new Date(Date.now() + 3000));
    await work(soon);
    await until(async () => (Date.now() > Date.parse(soon) ? true : undefined));
  }

  test('an approval that ends before its run begins', async () => {
    await lives.restart(['start-attempt', 'expire-revision']);
    const id = await submit([visits]);
    await past(soon => approve(world.parties.hospital, id, soon));
    const { runs } = await submission(id);
    await lives.restart(['expire-revision'], around('run failed'));
    await reaches(runs[0]!.id, 'failed');
    await dead();
    await lives.restart([], around('revision expired'));
    await dead();
    expect((await submission(id)).revisions[0]!.state).toBe('expired');
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
      id = await submit([short]);
    });
    await lives.restart([], around('revision expired'));
    await dead();
    expect((await submission(id)).revisions[0]!.state).toBe('expired');
  });

  test.each<Moment>(['before-start', 'after-start'])('%s of a TEE', async moment => {
    await lives.arm({ moment });
    const run = await started(await submit([]));
    await dead();
    await cancel(run.run);
  });

  test('every move was killed before and behind its commit', async () => {
    const log = await auditState(university());
    const deaths = await lives.deaths();
    expect(killedMoves(log, deaths, 'before-commit')).toEqual(allMoves());
    expect(killedMoves(log, deaths, 'after-commit')).toEqual(allMoves());
  });

  test('every TEE was started once, and is stopped', async () => {
    const starts = await lives.starts();
    expect(new Set(starts).size).toBe(starts.length);
    for (const attempt of starts) await until(async () => (await lives.ended(attempt)) || undefined);
    await auditState(university());
  });
});
