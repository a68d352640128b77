import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { fromBase64 } from '@clean-room/protocol/bytes';
import { LogEntry } from '@clean-room/protocol/log';
import { routes, type Run } from '@clean-room/api/coordinator';
import type { Approval } from '@clean-room/protocol/approvals';
import { startCoordinator, type AttemptPlan, type TeeStatus } from '../../src/coordinator/start.js';
import { newId } from '../../src/platform/ids.js';
import { ManualBackend } from '../support/backend.js';
import { TestDeployment } from '../support/deployment.js';
import { DATABASES, type DatabaseFactory } from '../support/databases.js';
import type { TestParty } from '../support/parties.js';
import { keyRelease, type TestSupervisor } from '../support/supervisor.js';
import { eventually } from '../support/wait.js';

const PREEMPTED: TeeStatus = { state: 'ended', reason: 'preempted' };
const LOST_SECONDS = 3;

/** A run of several attempts. The test ends machines as a cloud does. */
describe.each(DATABASES)('attempts of a run, on %s', (kind, prepare) => {
  let databases: DatabaseFactory;
  let deployment: TestDeployment;
  let backend: ManualBackend;

  beforeAll(async () => {
    databases = await prepare();
    const limits = { lostSeconds: LOST_SECONDS };
    deployment = await TestDeployment.start({ database: await databases.create(), limits });
    backend = deployment.backend;
    await deployment.publishDocuments();
  }, 180_000);
  afterAll(async () => {
    await deployment.stop();
    await databases.dispose();
  }, 60_000);

  const seen = new Set<string>();
  /** Waits for the next TEE, and returns its plan. */
  async function nextStart(seconds?: number): Promise<AttemptPlan> {
    const plan = await eventually(() => backend.starts.find(({ attempt }) => !seen.has(attempt)), seconds);
    seen.add(plan.attempt);
    return plan;
  }

  const supervisors = new Map<string, TestSupervisor>();
  /** Returns the supervisor of a TEE, which registers once. */
  function supervisorOf(plan: AttemptPlan): TestSupervisor {
    const supervisor = supervisors.get(plan.attempt) ?? deployment.supervisor(plan);
    supervisors.set(plan.attempt, supervisor);
    return supervisor;
  }

  async function submissionOf(id: string) {
    const { university } = deployment.parties;
    return deployment.person(university).call(routes.getSubmission, { params: { id } });
  }

  async function runOf(id: string): Promise<Run> {
    const { runs } = await submissionOf(id);
    const { university } = deployment.parties;
    return deployment.person(university).call(routes.getRun, { params: { id: runs.at(-1)!.id } });
  }

  const reached = (id: string, state: Run['state'], seconds?: number): Promise<Run> =>
    eventually(async () => {
      const run = await runOf(id);
      return run.state === state ? run : undefined;
    }, seconds);

  /** Submits a notebook on the assets of these providers, and approves it for one run and their spare starts. */
  async function approved(grants: readonly [TestParty, number][]): Promise<string> {
    const assets = deployment.assets.filter(({ provider }) => grants.some(([party]) => party === provider));
    const { id } = await deployment.submit(assets);
    for (const [party, spareStarts] of grants) {
      const changes: Partial<Approval> = { spareStarts };
      const body = await deployment.approval(party, id, changes);
      await deployment.custodian(party).call(routes.approve, { params: { id }, body });
    }
    return id;
  }

  /** Acts as supervisor and custodian up to the key release of one provider. */
  async function releaseKey(id: string, plan: AttemptPlan, provider: TestParty): Promise<void> {
    const supervisor = supervisorOf(plan);
    const document = await supervisor.document();
    const spec = fromBase64((await submissionOf(id)).revisions.at(-1)!.spec);
    const index = document.approvals.findIndex(({ envelope }) =>
      Buffer.from(envelope.payload, 'base64').toString().includes(`"provider":"${provider.name}"`)
    );
    const message = await supervisor.keyRequest(spec, document.approvals[index]!, document.collaboration);
    const request = await supervisor.sendKeyRequest(message);
    await deployment.custodian(provider).call(routes.answerKeyRequest, {
      params: { request },
      body: { answer: keyRelease(provider, message) }
    });
  }

  test('starts again when the machine is preempted before a key was released', async () => {
    const { hospital } = deployment.parties;
    const id = await approved([[hospital, 0]]);
    const first = await nextStart();
    await supervisorOf(first).reportProgress({ phase: 'awaiting-keys' });
    const [plan, waiting] = [supervisorOf(first), await runOf(id)];
    const document = await plan.document();
    const spec = fromBase64((await submissionOf(id)).revisions.at(-1)!.spec);
    await plan.sendKeyRequest(await plan.keyRequest(spec, document.approvals[0]!, document.collaboration));
    backend.ended.set(first.attempt, PREEMPTED);

    const second = await nextStart();
    expect(second.attempt).not.toBe(first.attempt);
    expect(second.image).toBe(first.image);
    const run = await runOf(id);
    expect(run.id).toBe(waiting.id);
    expect(run.history.map(({ state }) => state)).toEqual([
      'queued',
      'starting',
      'awaiting-keys',
      'queued',
      'starting'
    ]);
    expect(run.history[3]!.reason).toEqual({
      code: 'preempted',
      message: 'The cloud provider took the machine back. The run starts again.'
    });
    // The first machine may still be alive. It can no longer act for the run, and its request is not answered.
    for (const act of [
      () => plan.document(),
      () => plan.reportProgress({ phase: 'stopped', reason: 'internal' }),
      () => plan.deliverResult(spec)
    ]) {
      await expect(act()).rejects.toMatchObject({ code: 'conflict' });
    }
    const { items } = await deployment.custodian(hospital).call(routes.listKeyRequests, {});
    expect(items.filter(item => item.run === run.id)).toEqual([]);
    await eventually(() => (backend.running.has(first.attempt) ? undefined : true));

    await supervisorOf(second).reportProgress({ phase: 'awaiting-keys' });
    await releaseKey(id, second, hospital);
    await supervisorOf(second).reportProgress({ phase: 'running', cell: 0, cells: 1 });
    await supervisorOf(second).deliverResult(spec);
    expect((await runOf(id)).state).toBe('completed');
    const { entries } = await deployment
      .custodian(hospital)
      .call(routes.listLogEntries, { query: { limit: 1000 } });
    const logged = entries.map(entry => LogEntry.read(fromBase64(entry)).value);
    expect(logged.filter(({ subject, id }) => subject === 'run' && id === run.id)).toHaveLength(8);
  }, 60_000);

  test('starts again when the supervisor reports that its machine is being switched off', async () => {
    const { id } = await deployment.submit([]);
    const first = await nextStart();
    await supervisorOf(first).reportProgress({ phase: 'stopped', reason: 'preempted' });
    const second = await nextStart();
    expect((await runOf(id)).history.at(-2)).toMatchObject({ reason: { code: 'preempted' } });
    await eventually(() => (backend.running.has(first.attempt) ? undefined : true));
    await backend.stop(second.attempt);
  }, 60_000);

  test('fails after a key release without spare starts, and says why', async () => {
    const { university, hospital } = deployment.parties;
    const id = await approved([[hospital, 0]]);
    const plan = await nextStart();
    await supervisorOf(plan).reportProgress({ phase: 'awaiting-keys' });
    await releaseKey(id, plan, hospital);
    await supervisorOf(plan).reportProgress({ phase: 'running', cell: 1, cells: 3 });
    backend.ended.set(plan.attempt, PREEMPTED);
    const { reason } = await reached(id, 'failed');
    expect(reason).toEqual({
      code: 'preempted',
      message:
        'The cloud provider took the machine back. No output left the clean room. It was not started again, because it had already received keys, and hospital has approved no further spare start.'
    });
    await expect(
      deployment.person(university).call(routes.createRun, { body: { submission: id } })
    ).rejects.toMatchObject({ code: 'attempts-spent' });
  }, 60_000);

  test('uses a spare start after a key release, and no more than were approved', async () => {
    const { hospital } = deployment.parties;
    const id = await approved([[hospital, 1]]);
    const first = await nextStart();
    await supervisorOf(first).reportProgress({ phase: 'awaiting-keys' });
    await releaseKey(id, first, hospital);
    await supervisorOf(first).reportProgress({ phase: 'running', cell: 1, cells: 3 });
    backend.ended.set(first.attempt, PREEMPTED);
    const second = await nextStart();
    const run = await runOf(id);
    expect(run.history[4]).toMatchObject({ state: 'queued', reason: { code: 'preempted' } });
    expect(run.history[4]!.reason!.message).toContain('uses a spare start');
    // The progress of the first machine is not that of the second.
    expect(run).not.toHaveProperty('cell');
    await supervisorOf(second).reportProgress({ phase: 'awaiting-keys' });
    await releaseKey(id, second, hospital);
    backend.ended.set(second.attempt, PREEMPTED);
    expect((await reached(id, 'failed')).reason!.message).toContain('hospital has approved no further');
  }, 60_000);

  test('needs a spare start only of the providers that have released keys', async () => {
    const { hospital, insurer } = deployment.parties;
    const id = await approved([
      [hospital, 1],
      [insurer, 0]
    ]);
    const first = await nextStart();
    await supervisorOf(first).reportProgress({ phase: 'awaiting-keys' });
    await releaseKey(id, first, hospital);
    backend.ended.set(first.attempt, PREEMPTED);
    const second = await nextStart();
    await supervisorOf(second).reportProgress({ phase: 'awaiting-keys' });
    await releaseKey(id, second, insurer);
    backend.ended.set(second.attempt, PREEMPTED);
    expect((await reached(id, 'failed')).reason!.message).toContain('insurer has approved no further');
  }, 60_000);

  test('waits while the backend does not know a machine, and replaces a machine that stays unknown', async () => {
    const { id } = await deployment.submit([]);
    const first = await nextStart();
    backend.hidden.add(first.attempt);
    await sleep((LOST_SECONDS - 1) * 1000);
    backend.hidden.delete(first.attempt);
    await sleep((LOST_SECONDS - 1) * 1000);
    backend.hidden.add(first.attempt);
    await sleep((LOST_SECONDS - 1) * 1000);
    expect((await runOf(id)).state).toBe('starting');
    const second = await nextStart();
    expect((await runOf(id)).history.at(-2)).toMatchObject({ reason: { code: 'lost' } });
    backend.hidden.delete(first.attempt);
    await eventually(() => (backend.running.has(first.attempt) ? undefined : true));
    expect(backend.running.has(second.attempt)).toBe(true);
    await backend.stop(second.attempt);
    // What a person stops is not started again.
    expect((await reached(id, 'failed')).reason).toMatchObject({ code: 'stopped' });
  }, 60_000);

  test('starts again later when no machine is free, and can be cancelled until then', async () => {
    const { university } = deployment.parties;
    const full: TeeStatus = { state: 'ended', reason: 'out-of-capacity', detail: 'Three zones were tried.' };
    backend.endNextWith = full;
    const { id } = await deployment.submit([]);
    await nextStart();
    const queued = await reached(id, 'queued');
    expect(queued.reason).toEqual({
      code: 'out-of-capacity',
      message: 'No machine of this size was free. Three zones were tried. The run starts again.'
    });
    const cancelled = await deployment
      .person(university)
      .call(routes.cancelRun, { params: { id: queued.id } });
    expect(cancelled.state).toBe('cancelled');

    backend.endNextWith = full;
    const other = await deployment.submit([]);
    await nextStart();
    await reached(other.id, 'queued');
    const began = Date.now();
    const again = await nextStart(30);
    expect(Date.now() - began).toBeGreaterThan(5000);
    // The cancelled run did not start again in the meantime.
    expect((await runOf(other.id)).state).toBe('starting');
    expect(backend.running.has(again.attempt)).toBe(true);
    await backend.stop(again.attempt);
  }, 90_000);

  test('asks for the status of all machines at once', async () => {
    const plans = [];
    for (let count = 0; count < 5; count++) {
      await deployment.submit([]);
      plans.push(await nextStart());
    }
    const before = backend.statusRequests.length;
    const began = Date.now();
    await eventually(() => (backend.statusRequests.length >= before + 3 ? true : undefined));
    expect(Date.now() - began).toBeGreaterThan(1500);
    expect(Math.min(...backend.statusRequests.slice(before + 1))).toBeGreaterThanOrEqual(5);
    for (const { attempt } of plans) await backend.stop(attempt);
  }, 60_000);

  test('stops machines whose attempt has ended or is not in the database, and no others', async () => {
    const { id } = await deployment.submit([]);
    const plan = await nextStart();
    const stray = newId();
    backend.running.set(stray, { ...plan, attempt: stray });
    await deployment.coordinator.close();
    await deployment.restart();
    await eventually(() => (backend.running.has(stray) ? undefined : true));
    expect(backend.running.has(plan.attempt)).toBe(true);
    // As after a crash between the start of a machine and the end of its attempt.
    const { university } = deployment.parties;
    await deployment.person(university).call(routes.cancelRun, { params: { id: (await runOf(id)).id } });
    await eventually(() => (backend.running.has(plan.attempt) ? undefined : true));
    backend.ended.delete(plan.attempt);
    backend.running.set(plan.attempt, plan);
    await deployment.coordinator.close();
    await deployment.restart();
    await eventually(() => (backend.running.has(plan.attempt) ? undefined : true));
  }, 60_000);

  test('stops the other machines and watches on although one machine cannot be stopped', async () => {
    await deployment.submit([]);
    const plan = await nextStart();
    const [stuck, stray] = [newId(), newId()];
    backend.unstoppable.add(stuck);
    for (const attempt of [stuck, stray]) backend.running.set(attempt, { ...plan, attempt });
    await deployment.coordinator.close();
    await deployment.restart();
    await eventually(() => (backend.running.has(stray) ? undefined : true));
    const before = backend.statusRequests.length;
    await eventually(() => (backend.statusRequests.length > before ? true : undefined));
    backend.unstoppable.clear();
    for (const attempt of [stuck, plan.attempt]) await backend.stop(attempt);
  }, 60_000);

  (kind === 'PostgreSQL' ? test : test.skip)(
    'are watched by one replica, and by another when it ends',
    async () => {
      const { id } = await deployment.submit([]);
      const plan = await nextStart();
      const second = new ManualBackend();
      second.running.set(plan.attempt, plan);
      const replica = await startCoordinator(deployment.config, {
        ...deployment.overrides,
        backend: second
      });
      try {
        const before = backend.statusRequests.length;
        await eventually(() => (backend.statusRequests.length >= before + 3 ? true : undefined));
        expect(second.statusRequests).toEqual([]);
        await deployment.coordinator.close();
        await eventually(() => (second.statusRequests.length > 0 ? true : undefined));
        second.ended.set(plan.attempt, { state: 'ended', reason: 'finished' });
        await eventually(() => (second.running.has(plan.attempt) ? undefined : true));
      } finally {
        await deployment.restart();
        await replica.close();
      }
      expect((await runOf(id)).reason).toMatchObject({ code: 'finished' });
    },
    60_000
  );
});
