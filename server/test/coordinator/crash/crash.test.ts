import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { digestOf, digestFromHash, fromBase64, utf8 } from '@clean-room/protocol/bytes';
import { toTimestamp, type Envelope } from '@clean-room/protocol/documents';
import { isCleanRoomError } from '@clean-room/protocol/errors';
import { Checkpoint, leafHash, LogEntry, treeHash } from '@clean-room/protocol/log';
import {
  OutputRelease,
  REVISION_MOVES,
  RUN_MOVES,
  DECISION_MOVES,
  type RunState
} from '@clean-room/protocol/runs';
import * as api from '../../../src/client/coordinator/index.js';
import { World } from '../../support/coordinator.js';
import { DATABASES, type DatabaseMaker } from '../../support/databases.js';
import { keyRelease, TestSupervisor } from '../../support/supervisor.js';
import { Lives } from './life.js';

/**
 * kill -9 at every move: each life of the coordinator dies before its second commit, or right behind its first move, and
 * the next one goes on. Whatever the callers repeat carries its idempotency key, as our client's calls do.
 */
describe.each(DATABASES)('kill -9 of the coordinator, on %s', (_kind, prepare) => {
  let maker: DatabaseMaker;
  let world: World;
  let lives: Lives;
  let step = 0;

  beforeAll(async () => {
    maker = await prepare();
    world = await World.prepare({ database: await maker.make() });
    const tees = path.join(world.folder, 'tees');
    await mkdir(tees);
    lives = new Lives(world.config, world.kernelImage, tees);
    world.address = () => lives.url;
    await lives.from('never', 0);
    await world.found();
  }, 180_000);
  afterAll(async () => {
    await lives.end();
    await maker.dispose();
    await rm(world.folder, { recursive: true, force: true });
  }, 60_000);

  /** Repeats `work` through deaths of the coordinator until it has been done. */
  async function persist<T>(work: (idempotencyKey: string) => Promise<T>): Promise<T> {
    const key = `step-${String(++step).padStart(8, '0')}`;
    for (let tries = 0; ; tries++) {
      try {
        return await work(key);
      } catch (error) {
        if (!isCleanRoomError(error, 'unavailable') || tries > 50) throw error;
        await lives.beginAgainIfOver();
      }
    }
  }

  async function until<T>(look: () => Promise<T | undefined>): Promise<T> {
    const end = Date.now() + 60_000;
    for (;;) {
      const found = await persist(look);
      if (found !== undefined) return found;
      if (Date.now() > end) throw new Error('nothing came within a minute');
      await lives.beginAgainIfOver();
      await new Promise(resolve => setTimeout(resolve, 30));
    }
  }

  const university = () => world.person(world.parties.university);
  const hospital = () => world.custodian(world.parties.hospital);
  const submission = (id: string) => persist(() => university().call(api.getSubmission, { params: { id } }));

  async function submit(assets = world.assets): Promise<string> {
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

  async function approve(id: string, expires = '2097-01-01T00:00:00Z'): Promise<void> {
    const { hospital, insurer } = world.parties;
    const { assets } = (await submission(id)).revisions.at(-1)!;
    for (const provider of [hospital, insurer]) {
      if (!assets.some(asset => asset.startsWith(provider.name))) continue;
      const body = await persist(() => world.approval(provider, id, { expires }));
      await persist(idempotencyKey =>
        world.custodian(provider).call(api.approve, { params: { id }, body, idempotencyKey })
      );
    }
  }

  async function startedRun(id: string): Promise<{ run: string; supervisor: TestSupervisor }> {
    const attempt = await until(async () => {
      const view = await university().call(api.getSubmission, { params: { id } });
      if (view.runs.at(-1)?.state !== 'starting') return undefined;
      return (await lives.starts()).find(started => !seen.has(started));
    });
    seen.add(attempt);
    const { runs, revisions } = await submission(id);
    const { image } = revisions.at(-1)!;
    const job = await lives.job(attempt);
    const limits = { processors: 1, memoryBytes: 1, wallSeconds: 1 };
    // A supervisor talks to whichever coordinator lives.
    const supervisor = new TestSupervisor(() => world.supervisor(), { attempt, image, job, ...limits });
    return { run: runs.at(-1)!.id, supervisor };
  }
  const seen = new Set<string>();

  const stateOf = async (run: string): Promise<RunState> =>
    (await persist(() => university().call(api.getRun, { params: { id: run } }))).state;

  async function wholeWay(): Promise<void> {
    const { hospital: provider, insurer } = world.parties;
    const id = await submit();
    await approve(id);
    const { run, supervisor } = await startedRun(id);
    const document = await persist(() => supervisor.document());
    await persist(() => supervisor.progress({ phase: 'awaiting-keys' }));
    const spec = fromBase64((await submission(id)).revisions[0]!.spec);
    const releases: Envelope[] = [];
    for (const [index, custodian] of [provider, insurer].entries()) {
      const message = supervisor.keyRequest(spec, document.approvals[index]!, document.collaboration);
      const request = await persist(() => supervisor.ask(message));
      const answer = keyRelease(custodian, message);
      await persist(idempotencyKey =>
        world
          .custodian(custodian)
          .call(api.answerKeyRequest, { params: { request }, body: { answer }, idempotencyKey })
      );
      expect(await persist(() => supervisor.reply(request))).toEqual({ answer });
      releases.push(answer);
    }
    await persist(() => supervisor.progress({ phase: 'running', cell: 1, cells: 2 }));
    const result = await persist(() =>
      supervisor.put(spec, releases, { reviewers: [provider.custodian.publicKey] })
    );
    await persist(() => supervisor.post(result));
    expect(await stateOf(run)).toBe('output-review');
    const outputRelease = OutputRelease.sign(
      {
        format: 'clean-room.output-release/v1',
        provider: 'hospital',
        custodian: provider.custodian.publicKey,
        statement: digestOf(fromBase64(result.statement)),
        outputs: [{ digest: result.outputs[0]!, layerKey: 'AAAA' }],
        reviewer: 'ada',
        releasedAt: '2026-01-01T00:00:00Z'
      },
      provider.custodian
    );
    await persist(idempotencyKey =>
      hospital().call(api.releaseOutputs, { params: { id: run }, body: { outputRelease }, idempotencyKey })
    );
    const view = await persist(() => university().call(api.getRun, { params: { id: run } }));
    expect(view.history.map(moment => moment.state)).toEqual([
      'queued',
      'starting',
      'awaiting-keys',
      'running',
      'output-review',
      'released'
    ]);
    expect((await submission(id)).runs).toHaveLength(1);
    await persist(() => university().downloadBytes(api.getReceipt, { params: { id: run } }));
  }

  async function otherEnds(): Promise<void> {
    const [visits] = world.assets;
    const because = { reason: 'because' };
    const reviewer = () => world.person(world.parties.hospital);

    const changed = await submit([visits!]);
    await persist(idempotencyKey =>
      reviewer().call(api.requestChanges, { params: { id: changed }, body: because, idempotencyKey })
    );
    const withdrawn = await submit([visits!]);
    await persist(idempotencyKey =>
      university().call(api.withdraw, { params: { id: withdrawn }, idempotencyKey })
    );

    const rejected = await submit([visits!]);
    await persist(idempotencyKey =>
      reviewer().call(api.reject, { params: { id: rejected }, body: because, idempotencyKey })
    );

    const revoked = await submit([visits!]);
    await approve(revoked);
    const running = await startedRun(revoked);
    await persist(idempotencyKey =>
      reviewer().call(api.reject, { params: { id: revoked }, body: because, idempotencyKey })
    );
    expect(await stateOf(running.run)).toBe('cancelled');

    const stopped = await startedRun(await submit([]));
    await persist(() => stopped.supervisor.progress({ phase: 'stopped', reason: 'sandbox-unsafe' }));
    expect(await stateOf(stopped.run)).toBe('failed');

    const expired = await submit(world.assets);
    const soon = toTimestamp(new Date(Date.now() + 4000));
    const body = await persist(() => world.approval(world.parties.hospital, expired, { expires: soon }));
    await persist(idempotencyKey =>
      hospital().call(api.approve, { params: { id: expired }, body, idempotencyKey })
    );
    await until(async () => {
      const { revisions } = await university().call(api.getSubmission, { params: { id: expired } });
      return revisions[0]!.state === 'expired' ? true : undefined;
    });
  }

  /** The log is whole: it hashes to its own signed head, and no thing entered a state twice, or by a move that is none. */
  async function auditLog(): Promise<void> {
    const entries: Uint8Array[] = [];
    for (;;) {
      const page = await persist(() =>
        university().call(api.listLogEntries, { query: { from: entries.length, limit: 1000 } })
      );
      entries.push(...page.entries.map(fromBase64));
      if (entries.length >= page.size) break;
    }
    const { checkpoint } = await persist(() => university().call(api.getCheckpoint, {}));
    const { head } = Checkpoint.peek(checkpoint).value;
    expect(head).toEqual({ size: entries.length, root: digestFromHash(treeHash(entries.map(leafHash))) });
    const states = new Map<string, string>();
    const moves = { revision: REVISION_MOVES, decision: DECISION_MOVES, run: RUN_MOVES };
    const first = { revision: 'draft', decision: 'pending', run: 'queued' };
    for (const bytes of entries) {
      const { subject, id, state } = LogEntry.read(bytes).value;
      if (subject !== 'revision' && subject !== 'decision' && subject !== 'run') continue;
      const table = moves[subject] as Readonly<Record<string, readonly string[]>>;
      const before = states.get(`${subject} ${id}`);
      const allowed =
        before === undefined && subject === 'run' ? [first.run] : table[before ?? first[subject]];
      expect({ id, before, state, allowed: allowed?.includes(state) }).toMatchObject({ allowed: true });
      states.set(`${subject} ${id}`, state);
    }
  }

  async function audit(): Promise<void> {
    const starts = await lives.starts();
    expect(new Set(starts).size).toBe(starts.length);
    await auditLog();
  }

  test('before every commit', async () => {
    await lives.from('before-commit', 2);
    await wholeWay();
    await otherEnds();
    await lives.from('never', 0);
    await audit();
  }, 900_000);

  test('behind every move', async () => {
    lives.diedBehind.length = 0;
    await lives.from('after-commit', 1);
    await wholeWay();
    await otherEnds();
    await lives.from('never', 0);
    await audit();
    const died = new Set(lives.diedBehind);
    for (const state of [
      'queued',
      'starting',
      'awaiting-keys',
      'running',
      'output-review',
      'released',
      'failed',
      'cancelled'
    ]) {
      expect([...died]).toContainEqual(`run ${state}`);
    }
    for (const state of ['submitted', 'approved', 'changes-requested', 'rejected', 'withdrawn', 'expired']) {
      expect([...died]).toContainEqual(`revision ${state}`);
    }
  }, 900_000);

  test.each(['before-start', 'after-start'] as const)(
    '%s of a TEE',
    async moment => {
      await lives.from(moment, 1);
      const { run } = await startedRun(await submit([]));
      const running = (await lives.starts()).length;
      await lives.from('never', 0);
      await until(async () => ((await stateOf(run)) === 'starting' ? true : undefined));
      expect((await lives.starts()).length).toBe(running);
      await audit();
    },
    300_000
  );
});
