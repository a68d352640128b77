import { describe, expect, test } from '@jest/globals';
import { digestOf, fromBase64, utf8 } from '@clean-room/protocol/bytes';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { checkSchema, parseStrictJson } from '@clean-room/protocol/documents';
import { LogEntry, verifyLogProof } from '@clean-room/protocol/log';
import { Receipt } from '@clean-room/protocol/receipts';
import { OutputRelease } from '@clean-room/protocol/runs';
import { routes, type RunSummary } from '@clean-room/api/coordinator';
import type { World } from '../support/coordinator.js';
import { DATABASES } from '../support/databases.js';
import { keyRelease, TestSupervisor } from '../support/supervisor.js';
import { sharedWorld } from '../support/shared-world.js';
import { eventually } from '../support/wait.js';

/** The way of a notebook through the coordinator, with supervisor and custodians played by the test. */
describe.each(DATABASES)('the way of a notebook, on %s', (_kind, prepare) => {
  let world: World;
  sharedWorld(prepare, shared => (world = shared));

  async function runOf(id: string): Promise<RunSummary> {
    return eventually(async () => {
      const { runs } = await world
        .person(world.parties.university)
        .call(routes.getSubmission, { params: { id } });
      return runs.at(-1);
    });
  }

  const taken = new Set<string>();
  /** Supervisor of the newest TEE; tests start one after the other. */
  async function supervisorOf(run: string): Promise<TestSupervisor> {
    const plan = await eventually(async () => {
      const { state, reason } = await world
        .person(world.parties.university)
        .call(routes.getRun, { params: { id: run } });
      if (state === 'failed') throw new Error(reason?.message);
      return world.backend.starts.find(({ attempt }) => !taken.has(attempt));
    });
    taken.add(plan.attempt);
    return new TestSupervisor(() => world.supervisor(), plan);
  }

  async function specOf(id: string): Promise<Uint8Array> {
    const { revisions } = await world
      .person(world.parties.university)
      .call(routes.getSubmission, { params: { id } });
    return fromBase64(revisions.at(-1)!.spec);
  }

  test('two providers approve, keys are given, outputs come back with a receipt that the log proves', async () => {
    const { university, hospital, insurer } = world.parties;
    const { id, image } = await world.submit();
    expect(
      (
        await world.custodian(hospital).call(routes.listSubmissions, { query: { waitingFor: 'my-decision' } })
      ).items.map(item => item.id)
    ).toContain(id);
    await world.approve(hospital, id);
    expect((await world.person(university).call(routes.getSubmission, { params: { id } })).runs).toEqual([]);
    await world.approve(insurer, id);
    const run = await runOf(id);
    const supervisor = await supervisorOf(run.id);
    expect(world.backend.starts.at(-1)).toMatchObject({ image, processors: 1 });

    const document = await supervisor.document();
    expect(document.approvals).toHaveLength(2);
    for (const { sealed } of document.assets) {
      const digest = sealed.slice(sealed.lastIndexOf('/') + 1) as `sha256:${string}`;
      const bytes = await world
        .supervisor()
        .downloadBytes(routes.getJobObject, { params: { job: supervisor.job, digest } });
      expect(digestOf(bytes)).toBe(digest);
    }
    await supervisor.progress({ phase: 'awaiting-keys' });
    const spec = await specOf(id);
    const releases = [];
    for (const [index, provider] of [hospital, insurer].entries()) {
      const message = supervisor.keyRequest(spec, document.approvals[index]!, document.collaboration);
      const request = await supervisor.ask(message);
      expect((await runOf(id)).waitingFor).toEqual([provider.name]);
      const [waiting] = (await world.custodian(provider).call(routes.listKeyRequests, {})).items;
      expect(waiting).toMatchObject({ request, run: run.id, submission: id, message });
      const answer = keyRelease(provider, message);
      const reply = supervisor.reply(request);
      await world
        .custodian(provider)
        .call(routes.answerKeyRequest, { params: { request }, body: { answer } });
      expect(await reply).toEqual({ answer });
      releases.push(answer);
    }
    await supervisor.progress({ phase: 'running', cell: 0, cells: 2 });
    await supervisor.progress({ phase: 'running', cell: 1, cells: 2 });
    expect(await runOf(id)).toMatchObject({ state: 'running', cell: 1, cells: 2 });
    const result = await supervisor.deliver(spec, releases);
    await supervisor.post(result); // once more: the answer was lost

    const view = await world.person(university).call(routes.getRun, { params: { id: run.id } });
    expect(view).toMatchObject({ state: 'completed', simulated: true, output: result.outputs[0] });
    expect(view.history.map(moment => moment.state)).toEqual([
      'queued',
      'starting',
      'awaiting-keys',
      'running',
      'completed'
    ]);
    const bytes = await world.person(university).downloadBytes(routes.getReceipt, { params: { id: run.id } });
    const receipt = checkSchema(Receipt, parseStrictJson(bytes), 'receipt');
    expect(receipt.approvals).toHaveLength(2);
    expect(digestOf(fromBase64(receipt.image.manifest))).toBe(image);
    const entry = fromBase64(receipt.log!.entry);
    verifyLogProof(receipt.log!, entry, world.coordinator.logKey);
    expect(LogEntry.read(entry).value).toMatchObject({
      subject: 'run',
      id: run.id,
      state: 'completed',
      evidence: digestOf(fromBase64(result.statement))
    });
    const output = await world
      .person(university)
      .downloadBytes(routes.getObject, { params: { digest: result.outputs[0]! } });
    expect(digestOf(output)).toBe(result.outputs[0]);
    await eventually(() => (world.backend.running.size === 0 ? true : undefined));
  }, 60_000);

  test('a notebook without assets is approved at once and runs', async () => {
    const { id } = await world.submit([]);
    const run = await runOf(id);
    const supervisor = await supervisorOf(run.id);
    await supervisor.progress({ phase: 'running', cell: 0, cells: 1 });
    await supervisor.deliver(await specOf(id), [], {
      failure: { class: 'notebook-error', cell: 1, line: 2, exception: 'KeyError' }
    });
    expect(await runOf(id)).toMatchObject({
      state: 'completed',
      failure: { class: 'notebook-error', cell: 1, line: 2, exception: 'KeyError' }
    });
  }, 60_000);

  test('outputs under review are released by the reviewing custodian alone', async () => {
    const { university, hospital, insurer } = world.parties;
    const { id } = await world.submit(world.assets.slice(0, 1));
    await world.approve(hospital, id);
    const run = await runOf(id);
    const supervisor = await supervisorOf(run.id);
    const spec = await specOf(id);
    const result = await supervisor.deliver(spec, [], { reviewers: [hospital.custodian.publicKey] });
    expect(await runOf(id)).toMatchObject({ state: 'output-review', waitingFor: ['hospital'] });
    await expect(
      world.person(university).downloadBytes(routes.getReceipt, { params: { id: run.id } })
    ).rejects.toMatchObject({ code: 'conflict' });

    const review = await world
      .custodian(hospital)
      .call(routes.getOutputUnderReview, { params: { id: run.id } });
    expect(review.statement).toBe(result.statement);
    const sealed = await world.custodian(hospital).downloadBytes(routes.getObject, {
      params: { digest: result.outputs[0]! }
    });
    const outputRelease = OutputRelease.sign(
      {
        format: 'clean-room.output-release/v1',
        provider: 'hospital',
        custodian: hospital.custodian.publicKey,
        statement: digestOf(fromBase64(review.statement)),
        outputs: [{ digest: digestOf(sealed), layerKey: 'AAAA' }],
        reviewer: 'ada',
        releasedAt: '2026-01-01T00:00:00Z'
      },
      hospital.custodian
    );
    const body = { outputRelease };
    await expect(
      world.custodian(insurer).call(routes.releaseOutputs, { params: { id: run.id }, body })
    ).rejects.toMatchObject({ code: 'not-found' });
    await expect(
      world.person(hospital).call(routes.releaseOutputs, { params: { id: run.id }, body })
    ).rejects.toMatchObject({ code: 'forbidden' });
    const view = await world
      .custodian(hospital)
      .call(routes.releaseOutputs, { params: { id: run.id }, body });
    expect(view).toMatchObject({ state: 'completed', waitingFor: [] });
    const receipt = await world
      .person(university)
      .downloadBytes(routes.getReceipt, { params: { id: run.id } });
    expect(checkSchema(Receipt, parseStrictJson(receipt), 'receipt').outputReleases).toEqual([outputRelease]);
  }, 60_000);

  test('changes are asked for, discussed and made; the next revision is judged anew', async () => {
    const { university, hospital } = world.parties;
    const [asset] = world.assets;
    const { id, image } = await world.submit([asset!]);
    const reviewer = world.person(hospital);
    await reviewer.call(routes.addComment, { params: { id }, body: { text: 'Please bin age' } });
    await reviewer.call(routes.requestChanges, { params: { id }, body: { reason: 'Please bin age' } });
    const notebook = utf8('print("binned")');
    const researcher = world.person(university);
    await researcher.upload(routes.putObject, { params: { digest: digestOf(notebook) } }, notebook);
    const body = await world.sign(world.specOf([asset!], notebook), notebook);
    const next = await researcher.call(routes.createRevision, { params: { id }, body });
    expect(next).toMatchObject({ id, revision: 2, state: 'submitted' });
    expect(next.image).not.toBe(image);
    const view = await reviewer.call(routes.getSubmission, { params: { id } });
    expect(view.revisions.map(revision => revision.state)).toEqual(['changes-requested', 'submitted']);
    expect(view.comments).toMatchObject([{ revision: 1, text: 'Please bin age', by: { party: 'hospital' } }]);
    expect(view.revisions[1]!.decisions).toMatchObject([{ provider: 'hospital', state: 'pending' }]);
    const file = await reviewer.downloadBytes(routes.getFile, {
      params: { id, number: 2, '*': 'explore.ipynb' }
    });
    expect(file).toEqual(notebook);
    expect(await reviewer.call(routes.compareImage, { params: { id, number: 2 } })).toEqual({
      submitted: next.image,
      rebuilt: next.image,
      equal: true
    });
    await reviewer.call(routes.reject, { params: { id }, body: { reason: 'Not this way' } });
    await expect(world.approve(hospital, id)).rejects.toMatchObject({ code: 'conflict' });
  }, 60_000);

  test('an approval taken back stops the run, and the job’s address opens nothing any more', async () => {
    const { university, hospital } = world.parties;
    const { id } = await world.submit(world.assets.slice(0, 1));
    await world.approve(hospital, id);
    const run = await runOf(id);
    const supervisor = await supervisorOf(run.id);
    await world.person(hospital).call(routes.reject, { params: { id }, body: { reason: 'Found a mistake' } });
    expect(await runOf(id)).toMatchObject({ state: 'cancelled', reason: { code: 'approval-missing' } });
    await expect(supervisor.document()).rejects.toMatchObject({ code: 'conflict' });
    await expect(supervisor.deliver(await specOf(id))).rejects.toMatchObject({ code: 'conflict' });
    const { revisions } = await world.person(university).call(routes.getSubmission, { params: { id } });
    expect(revisions[0]).toMatchObject({ state: 'rejected', decisions: [{ state: 'revoked' }] });
    await eventually(() => (world.backend.running.size === 0 ? true : undefined));
  }, 60_000);

  test('a run that ends without results, or can not start, fails with a reason; another is asked for', async () => {
    const { university } = world.parties;
    const { id } = await world.submit([]);
    const first = await runOf(id);
    await supervisorOf(first.id);
    const plan = world.backend.starts.at(-1)!;
    await expect(
      world.person(university).call(routes.createRun, { body: { submission: id } })
    ).rejects.toMatchObject({ code: 'conflict' });
    world.backend.ended.set(plan.attempt, { state: 'ended', code: 'run-failed', detail: 'out of memory' });
    const failed = await eventually(async () => {
      const run = await runOf(id);
      return run.state === 'failed' ? run : undefined;
    });
    expect(failed.reason).toMatchObject({
      code: 'run-failed',
      message: expect.stringContaining('out of memory')
    });

    world.backend.failWith = new CleanRoomError('backend-unavailable', 'bubblewrap is not installed.');
    const second = await world.person(university).call(routes.createRun, { body: { submission: id } });
    const unstarted = await eventually(async () => {
      const run = await world.person(university).call(routes.getRun, { params: { id: second.id } });
      return run.state === 'failed' ? run : undefined;
    });
    world.backend.failWith = undefined;
    expect(unstarted.reason).toEqual({
      code: 'backend-unavailable',
      message: 'bubblewrap is not installed.'
    });

    const third = await world.person(university).call(routes.createRun, { body: { submission: id } });
    const supervisor = await supervisorOf(third.id);
    await supervisor.progress({ phase: 'stopped', reason: 'sandbox-unsafe' });
    expect((await runOf(id)).reason).toMatchObject({ code: 'sandbox-unsafe' });
    const fourth = await world.person(university).call(routes.createRun, { body: { submission: id } });
    await supervisorOf(fourth.id);
    const cancelled = await world.person(university).call(routes.cancelRun, { params: { id: fourth.id } });
    expect(cancelled).toMatchObject({ state: 'cancelled' });
  }, 60_000);

  test('logs hold moves, and neither tokens nor jobs nor bodies', async () => {
    const text = world.logLines.join('');
    const secrets = [
      world.personToken,
      ...world.custodianTokens.values(),
      ...world.backend.starts.map(({ job }) => job.slice(job.lastIndexOf('/') + 1)),
      'Please bin age'
    ];
    expect(text.includes('"msg":"state changed"')).toBe(true);
    expect(secrets.filter(secret => text.includes(secret))).toEqual([]);
  });
});
