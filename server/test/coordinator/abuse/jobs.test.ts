import { describe, expect, test } from '@jest/globals';
import { digestOf, fromBase64, toBase64, utf8 } from '@clean-room/protocol/bytes';
import { generateSigningKey } from '@clean-room/protocol/documents';
import { RUN_AUDIENCE, runNonce } from '@clean-room/protocol/runs';
import { routes } from '@clean-room/api/coordinator';
import type { AttemptPlan } from '../../../src/coordinator/start.js';
import type { TestDeployment } from '../../support/deployment.js';
import { DATABASES } from '../../support/databases.js';
import { useSharedDeployment } from '../../support/shared-deployment.js';
import { keyRelease, type TestSupervisor } from '../../support/supervisor.js';
import { eventually } from '../../support/wait.js';

describe.each(DATABASES)('the coordinator resists abuse, on %s: jobs', (_kind, prepare) => {
  let deployment: TestDeployment;
  useSharedDeployment(prepare, shared => {
    deployment = shared;
  });

  async function started(): Promise<{
    id: string;
    run: string;
    supervisor: TestSupervisor;
    plan: AttemptPlan;
    spec: Uint8Array;
  }> {
    const { university, hospital } = deployment.parties;
    const { id, image } = await deployment.submit(deployment.assets.slice(0, 1));
    await deployment.approve(hospital, id);
    const plan = await eventually(() => deployment.backend.starts.find(start => start.image === image));
    const view = await deployment.person(university).call(routes.getSubmission, { params: { id } });
    return {
      id,
      run: view.runs[0]!.id,
      supervisor: deployment.supervisor(plan),
      plan,
      spec: fromBase64(view.revisions[0]!.spec)
    };
  }

  test('limits a job to its own objects, key requests and program', async () => {
    const { hospital, insurer } = deployment.parties;
    const { supervisor, spec } = await started();
    for (const digest of [digestOf(deployment.assets[1]!.sealed), digestOf(deployment.assets[0]!.standIn)]) {
      await expect(supervisor.download(digest, 20)).rejects.toMatchObject({ code: 'not-found' });
    }
    const document = await supervisor.document();
    const message = await supervisor.keyRequest(spec, document.approvals[0]!, document.collaboration);
    const request = await supervisor.sendKeyRequest(message);
    await expect(
      deployment.custodian(insurer).call(routes.answerKeyRequest, {
        params: { request },
        body: { answer: keyRelease(hospital, message) }
      })
    ).rejects.toMatchObject({ code: 'not-found' });
    const forged = keyRelease(hospital, message, generateSigningKey());
    await expect(
      deployment
        .custodian(hospital)
        .call(routes.answerKeyRequest, { params: { request }, body: { answer: forged } })
    ).rejects.toMatchObject({ code: 'signature-invalid' });
    await deployment
      .custodian(hospital)
      .call(routes.answerKeyRequest, { params: { request }, body: { refused: 'policy-refused' } });
    await expect(
      deployment.custodian(hospital).call(routes.answerKeyRequest, {
        params: { request },
        body: { answer: keyRelease(hospital, message) }
      })
    ).rejects.toMatchObject({ code: 'conflict' });
    const other = await started();
    expect((await other.supervisor.mailbox()).requests).toEqual([]);
    await expect(other.supervisor.sendToken(request)).rejects.toMatchObject({ code: 'not-found' });
    await expect(other.supervisor.sendKeyRequest(message)).rejects.toMatchObject({ code: 'forbidden' });
  }, 30_000);

  test('accepts only one result, for this program, that names the uploaded outputs', async () => {
    const { supervisor, spec } = await started();
    const output = { digest: digestOf(utf8('never uploaded')), bytes: 9 };
    await expect(supervisor.postResult(await supervisor.result(spec, output, []))).rejects.toMatchObject({
      code: 'digest-mismatch'
    });
    await expect(
      supervisor.deliverResult(spec, [], { image: digestOf(utf8('other')) })
    ).rejects.toMatchObject({
      code: 'digest-mismatch'
    });
    const result = await supervisor.uploadOutput(spec);
    const also = { ...result, outputs: [...result.outputs, output.digest] };
    await expect(supervisor.postResult(also)).rejects.toMatchObject({ code: 'digest-mismatch' });
    const statement = toBase64(utf8('{}'));
    await expect(supervisor.postResult({ ...result, statement })).rejects.toMatchObject({
      code: 'attestation-refused'
    });
    const token = await supervisor.token(RUN_AUDIENCE, runNonce(digestOf(utf8('{}'))));
    await expect(supervisor.postResult({ ...result, statement, token })).rejects.toMatchObject({
      code: 'malformed'
    });
    await supervisor.postResult(result);
    await expect(supervisor.deliverResult(spec)).rejects.toMatchObject({ code: 'conflict' });
    const second = await supervisor.result(spec, { digest: result.outputs[0]!, bytes: 64 }, [], {
      endedAt: '2026-01-01T00:02:00Z'
    });
    await expect(supervisor.postResult(second)).rejects.toMatchObject({ code: 'conflict' });
  }, 30_000);

  test('counts an attempt as used when a key was released for it', async () => {
    const { university, hospital } = deployment.parties;
    const { id, run, supervisor, spec } = await started();
    const document = await supervisor.document();
    const message = await supervisor.keyRequest(spec, document.approvals[0]!, document.collaboration);
    const request = await supervisor.sendKeyRequest(message);
    const body = { answer: keyRelease(hospital, message) };
    await deployment.custodian(hospital).call(routes.answerKeyRequest, { params: { request }, body });
    await deployment.person(university).call(routes.cancelRun, { params: { id: run } });
    await expect(
      deployment.person(university).call(routes.createRun, { body: { submission: id } })
    ).rejects.toMatchObject({ code: 'attempts-spent' });
  }, 30_000);
});
