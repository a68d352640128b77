import { describe, expect, test } from '@jest/globals';
import { digestOf, fromBase64, utf8 } from '@clean-room/protocol/bytes';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { checkSchema, parseStrictJson } from '@clean-room/protocol/documents';
import { LogEntry, verifyLogProof } from '@clean-room/protocol/log';
import { Receipt } from '@clean-room/protocol/receipts';
import { OutputRelease } from '@clean-room/protocol/runs';
import { routes, type RunSummary } from '@clean-room/api/coordinator';
import type { TestDeployment } from '../support/deployment.js';
import { DATABASES } from '../support/databases.js';
import { keyRelease, TestSupervisor } from '../support/supervisor.js';
import { useSharedDeployment } from '../support/shared-deployment.js';
import { eventually } from '../support/wait.js';

/** The path of a notebook through the coordinator. The test acts as supervisor and custodians. */
describe.each(DATABASES)('the path of a notebook, on %s', (_kind, prepare) => {
  let deployment: TestDeployment;
  useSharedDeployment(prepare, shared => (deployment = shared));

  async function runOf(id: string): Promise<RunSummary> {
    return eventually(async () => {
      const { runs } = await deployment
        .person(deployment.parties.university)
        .call(routes.getSubmission, { params: { id } });
      return runs.at(-1);
    });
  }

  const knownAttempts = new Set<string>();
  /** Returns the supervisor of the TEE that has started since the last call. */
  async function supervisorOf(run: string): Promise<TestSupervisor> {
    const plan = await eventually(async () => {
      const { state, reason } = await deployment
        .person(deployment.parties.university)
        .call(routes.getRun, { params: { id: run } });
      if (state === 'failed') throw new Error(reason?.message);
      return deployment.backend.starts.find(({ attempt }) => !knownAttempts.has(attempt));
    });
    knownAttempts.add(plan.attempt);
    return new TestSupervisor(() => deployment.supervisor(), plan);
  }

  async function specOf(id: string): Promise<Uint8Array> {
    const { revisions } = await deployment
      .person(deployment.parties.university)
      .call(routes.getSubmission, { params: { id } });
    return fromBase64(revisions.at(-1)!.spec);
  }

  test('completes a run of two providers, with a receipt that the log proves', async () => {
    const { university, hospital, insurer } = deployment.parties;
    const { id, image } = await deployment.submit();
    expect(
      (
        await deployment
          .custodian(hospital)
          .call(routes.listSubmissions, { query: { waitingFor: 'my-decision' } })
      ).items.map(item => item.id)
    ).toContain(id);
    await deployment.approve(hospital, id);
    expect((await deployment.person(university).call(routes.getSubmission, { params: { id } })).runs).toEqual(
      []
    );
    await deployment.approve(insurer, id);
    const run = await runOf(id);
    const supervisor = await supervisorOf(run.id);
    expect(deployment.backend.starts.at(-1)).toMatchObject({ image, processors: 1 });

    const document = await supervisor.document();
    expect(document.approvals).toHaveLength(2);
    for (const { sealed } of document.assets) {
      const digest = sealed.slice(sealed.lastIndexOf('/') + 1) as `sha256:${string}`;
      const bytes = await deployment
        .supervisor()
        .downloadBytes(routes.getJobObject, { params: { job: supervisor.job, digest } });
      expect(digestOf(bytes)).toBe(digest);
    }
    await supervisor.reportProgress({ phase: 'awaiting-keys' });
    const spec = await specOf(id);
    const releases = [];
    for (const [index, provider] of [hospital, insurer].entries()) {
      const message = supervisor.keyRequest(spec, document.approvals[index]!, document.collaboration);
      const request = await supervisor.sendKeyRequest(message);
      expect((await runOf(id)).waitingFor).toEqual([provider.name]);
      const [waiting] = (await deployment.custodian(provider).call(routes.listKeyRequests, {})).items;
      expect(waiting).toMatchObject({ request, run: run.id, submission: id, message });
      const answer = keyRelease(provider, message);
      const reply = supervisor.keyReply(request);
      await deployment
        .custodian(provider)
        .call(routes.answerKeyRequest, { params: { request }, body: { answer } });
      expect(await reply).toEqual({ answer });
      releases.push(answer);
    }
    await supervisor.reportProgress({ phase: 'running', cell: 0, cells: 2 });
    await supervisor.reportProgress({ phase: 'running', cell: 1, cells: 2 });
    expect(await runOf(id)).toMatchObject({ state: 'running', cell: 1, cells: 2 });
    const result = await supervisor.deliverResult(spec, releases);
    await supervisor.postResult(result); // The supervisor sends the result again, as after a lost response.

    const view = await deployment.person(university).call(routes.getRun, { params: { id: run.id } });
    expect(view).toMatchObject({ state: 'completed', simulated: true, output: result.outputs[0] });
    expect(view.history.map(entry => entry.state)).toEqual([
      'queued',
      'starting',
      'awaiting-keys',
      'running',
      'completed'
    ]);
    const bytes = await deployment
      .person(university)
      .downloadBytes(routes.getReceipt, { params: { id: run.id } });
    const receipt = checkSchema(Receipt, parseStrictJson(bytes), 'receipt');
    expect(receipt.approvals).toHaveLength(2);
    expect(digestOf(fromBase64(receipt.image.manifest))).toBe(image);
    const entry = fromBase64(receipt.log!.entry);
    verifyLogProof(receipt.log!, entry, deployment.coordinator.logKey);
    expect(LogEntry.read(entry).value).toMatchObject({
      subject: 'run',
      id: run.id,
      state: 'completed',
      evidence: digestOf(fromBase64(result.statement))
    });
    const output = await deployment
      .person(university)
      .downloadBytes(routes.getObject, { params: { digest: result.outputs[0]! } });
    expect(digestOf(output)).toBe(result.outputs[0]);
    await eventually(() => (deployment.backend.running.size === 0 ? true : undefined));
  }, 60_000);

  test('approves and runs a notebook without assets at once', async () => {
    const { id } = await deployment.submit([]);
    const run = await runOf(id);
    const supervisor = await supervisorOf(run.id);
    await supervisor.reportProgress({ phase: 'running', cell: 0, cells: 1 });
    await supervisor.deliverResult(await specOf(id), [], {
      failure: { class: 'notebook-error', cell: 1, line: 2, exception: 'KeyError' }
    });
    expect(await runOf(id)).toMatchObject({
      state: 'completed',
      failure: { class: 'notebook-error', cell: 1, line: 2, exception: 'KeyError' }
    });
  }, 60_000);

  test('releases outputs under review only with the reviewing custodian’s signature', async () => {
    const { university, hospital, insurer } = deployment.parties;
    const { id } = await deployment.submit(deployment.assets.slice(0, 1));
    await deployment.approve(hospital, id);
    const run = await runOf(id);
    const supervisor = await supervisorOf(run.id);
    const spec = await specOf(id);
    const result = await supervisor.deliverResult(spec, [], { reviewers: [hospital.custodian.publicKey] });
    expect(await runOf(id)).toMatchObject({ state: 'output-review', waitingFor: ['hospital'] });
    await expect(
      deployment.person(university).downloadBytes(routes.getReceipt, { params: { id: run.id } })
    ).rejects.toMatchObject({ code: 'conflict' });

    const review = await deployment
      .custodian(hospital)
      .call(routes.getOutputUnderReview, { params: { id: run.id } });
    expect(review.statement).toBe(result.statement);
    const sealed = await deployment.custodian(hospital).downloadBytes(routes.getObject, {
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
      deployment.custodian(insurer).call(routes.releaseOutputs, { params: { id: run.id }, body })
    ).rejects.toMatchObject({ code: 'not-found' });
    await expect(
      deployment.person(hospital).call(routes.releaseOutputs, { params: { id: run.id }, body })
    ).rejects.toMatchObject({ code: 'forbidden' });
    const view = await deployment
      .custodian(hospital)
      .call(routes.releaseOutputs, { params: { id: run.id }, body });
    expect(view).toMatchObject({ state: 'completed', waitingFor: [] });
    const receipt = await deployment
      .person(university)
      .downloadBytes(routes.getReceipt, { params: { id: run.id } });
    expect(checkSchema(Receipt, parseStrictJson(receipt), 'receipt').outputReleases).toEqual([outputRelease]);
  }, 60_000);

  test('asks for a new decision about a revision that answers a request for changes', async () => {
    const { university, hospital } = deployment.parties;
    const [asset] = deployment.assets;
    const { id, image } = await deployment.submit([asset!]);
    const reviewer = deployment.person(hospital);
    await reviewer.call(routes.addComment, { params: { id }, body: { text: 'Please bin age' } });
    await reviewer.call(routes.requestChanges, { params: { id }, body: { reason: 'Please bin age' } });
    const notebook = utf8('print("binned")');
    const researcher = deployment.person(university);
    await researcher.upload(routes.putObject, { params: { digest: digestOf(notebook) } }, notebook);
    const body = await deployment.sign(deployment.specOf([asset!], notebook), notebook);
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
    await expect(deployment.approve(hospital, id)).rejects.toMatchObject({ code: 'conflict' });
  }, 60_000);

  test('cancels the run and closes its job when an approval is revoked', async () => {
    const { university, hospital } = deployment.parties;
    const { id } = await deployment.submit(deployment.assets.slice(0, 1));
    await deployment.approve(hospital, id);
    const run = await runOf(id);
    const supervisor = await supervisorOf(run.id);
    await deployment
      .person(hospital)
      .call(routes.reject, { params: { id }, body: { reason: 'Found a mistake' } });
    expect(await runOf(id)).toMatchObject({ state: 'cancelled', reason: { code: 'approval-missing' } });
    await expect(supervisor.document()).rejects.toMatchObject({ code: 'conflict' });
    await expect(supervisor.deliverResult(await specOf(id))).rejects.toMatchObject({ code: 'conflict' });
    const { revisions } = await deployment.person(university).call(routes.getSubmission, { params: { id } });
    expect(revisions[0]).toMatchObject({ state: 'rejected', decisions: [{ state: 'revoked' }] });
    await eventually(() => (deployment.backend.running.size === 0 ? true : undefined));
  }, 60_000);

  test('fails a run that ends without results or cannot start, and allows another run', async () => {
    const { university } = deployment.parties;
    const { id } = await deployment.submit([]);
    const first = await runOf(id);
    await supervisorOf(first.id);
    const plan = deployment.backend.starts.at(-1)!;
    await expect(
      deployment.person(university).call(routes.createRun, { body: { submission: id } })
    ).rejects.toMatchObject({ code: 'conflict' });
    deployment.backend.ended.set(plan.attempt, {
      state: 'ended',
      code: 'run-failed',
      detail: 'out of memory'
    });
    const failed = await eventually(async () => {
      const run = await runOf(id);
      return run.state === 'failed' ? run : undefined;
    });
    expect(failed.reason).toMatchObject({
      code: 'run-failed',
      message: expect.stringContaining('out of memory')
    });

    deployment.backend.failWith = new CleanRoomError('backend-unavailable', 'bubblewrap is not installed.');
    const second = await deployment.person(university).call(routes.createRun, { body: { submission: id } });
    const notStarted = await eventually(async () => {
      const run = await deployment.person(university).call(routes.getRun, { params: { id: second.id } });
      return run.state === 'failed' ? run : undefined;
    });
    deployment.backend.failWith = undefined;
    expect(notStarted.reason).toEqual({
      code: 'backend-unavailable',
      message: 'bubblewrap is not installed.'
    });

    const third = await deployment.person(university).call(routes.createRun, { body: { submission: id } });
    const supervisor = await supervisorOf(third.id);
    await supervisor.reportProgress({ phase: 'stopped', reason: 'sandbox-unsafe' });
    expect((await runOf(id)).reason).toMatchObject({ code: 'sandbox-unsafe' });
    const fourth = await deployment.person(university).call(routes.createRun, { body: { submission: id } });
    await supervisorOf(fourth.id);
    const cancelled = await deployment
      .person(university)
      .call(routes.cancelRun, { params: { id: fourth.id } });
    expect(cancelled).toMatchObject({ state: 'cancelled' });
  }, 60_000);

  test('logs state changes, but no tokens, job addresses or bodies', async () => {
    const text = deployment.logLines.join('');
    const secrets = [
      deployment.personToken,
      ...deployment.custodianTokens.values(),
      ...deployment.backend.starts.map(({ job }) => job.slice(job.lastIndexOf('/') + 1)),
      'Please bin age'
    ];
    expect(text.includes('"msg":"state changed"')).toBe(true);
    expect(secrets.filter(secret => text.includes(secret))).toEqual([]);
  });
});
