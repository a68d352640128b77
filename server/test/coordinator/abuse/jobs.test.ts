import { describe, expect, test } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { digestOf, fromBase64, toBase64, utf8 } from '@clean-room/protocol/bytes';
import { generateSigningKey } from '@clean-room/protocol/documents';
import { routes } from '@clean-room/api/coordinator';
import type { World } from '../../support/coordinator.js';
import { DATABASES } from '../../support/databases.js';
import { sharedWorld } from '../../support/shared-world.js';
import { keyRelease, TestSupervisor } from '../../support/supervisor.js';
import { eventually } from '../../support/wait.js';

describe.each(DATABASES)('the coordinator stands its ground, on %s: jobs', (_kind, prepare) => {
  let world: World;
  sharedWorld(prepare, shared => {
    world = shared;
  });

  async function started(): Promise<{
    id: string;
    run: string;
    supervisor: TestSupervisor;
    spec: Uint8Array;
  }> {
    const { university, hospital } = world.parties;
    const { id, image } = await world.submit(world.assets.slice(0, 1));
    await world.approve(hospital, id);
    const plan = await eventually(() => world.backend.starts.find(start => start.image === image));
    const view = await world.person(university).call(routes.getSubmission, { params: { id } });
    return {
      id,
      run: view.runs[0]!.id,
      supervisor: new TestSupervisor(() => world.supervisor(), plan),
      spec: fromBase64(view.revisions[0]!.spec)
    };
  }

  test('a job made up opens nothing', async () => {
    const job = randomBytes(32).toString('base64url');
    await expect(world.supervisor().call(routes.getJob, { params: { job } })).rejects.toMatchObject({
      code: 'not-found'
    });
  });

  test('a job reaches its own objects, its own requests and its own program alone', async () => {
    const { hospital, insurer } = world.parties;
    const { supervisor, spec } = await started();
    for (const digest of [digestOf(world.assets[1]!.sealed), digestOf(world.assets[0]!.standIn)]) {
      await expect(
        world.supervisor().downloadBytes(routes.getJobObject, { params: { job: supervisor.job, digest } })
      ).rejects.toMatchObject({ code: 'not-found' });
    }
    const document = await supervisor.document();
    const message = supervisor.keyRequest(spec, document.approvals[0]!, document.collaboration);
    const request = await supervisor.ask(message);
    await expect(
      world.custodian(insurer).call(routes.answerKeyRequest, {
        params: { request },
        body: { answer: keyRelease(hospital, message) }
      })
    ).rejects.toMatchObject({ code: 'not-found' });
    const forged = keyRelease(hospital, message, generateSigningKey());
    await expect(
      world
        .custodian(hospital)
        .call(routes.answerKeyRequest, { params: { request }, body: { answer: forged } })
    ).rejects.toMatchObject({ code: 'signature-invalid' });
    await world
      .custodian(hospital)
      .call(routes.answerKeyRequest, { params: { request }, body: { refused: 'policy-refused' } });
    await expect(
      world.custodian(hospital).call(routes.answerKeyRequest, {
        params: { request },
        body: { answer: keyRelease(hospital, message) }
      })
    ).rejects.toMatchObject({ code: 'conflict' });
    const other = await started();
    await expect(other.supervisor.reply(request)).rejects.toMatchObject({ code: 'not-found' });
    await expect(other.supervisor.ask(message)).rejects.toMatchObject({ code: 'forbidden' });
  }, 30_000);

  test('a result names what was put, is of this program, and is the only one', async () => {
    const { supervisor, spec } = await started();
    const output = { digest: digestOf(utf8('never put')), bytes: 9 };
    await expect(supervisor.post(supervisor.result(spec, output, []))).rejects.toMatchObject({
      code: 'digest-mismatch'
    });
    await expect(supervisor.deliver(spec, [], { image: digestOf(utf8('other')) })).rejects.toMatchObject({
      code: 'digest-mismatch'
    });
    const result = await supervisor.put(spec);
    const also = { ...result, outputs: [...result.outputs, output.digest] };
    await expect(supervisor.post(also)).rejects.toMatchObject({ code: 'digest-mismatch' });
    const statement = toBase64(utf8('{}'));
    await expect(supervisor.post({ ...result, statement })).rejects.toMatchObject({ code: 'malformed' });
    await supervisor.post(result);
    await expect(supervisor.deliver(spec)).rejects.toMatchObject({ code: 'conflict' });
    const second = supervisor.result(spec, { digest: result.outputs[0]!, bytes: 64 }, [], {
      endedAt: '2026-01-01T00:02:00Z'
    });
    await expect(supervisor.post(second)).rejects.toMatchObject({ code: 'conflict' });
  }, 30_000);

  test('attempts are counted by the keys that were given', async () => {
    const { university, hospital } = world.parties;
    const { id, run, supervisor, spec } = await started();
    const document = await supervisor.document();
    const message = supervisor.keyRequest(spec, document.approvals[0]!, document.collaboration);
    const request = await supervisor.ask(message);
    const body = { answer: keyRelease(hospital, message) };
    await world.custodian(hospital).call(routes.answerKeyRequest, { params: { request }, body });
    await world.person(university).call(routes.cancelRun, { params: { id: run } });
    await expect(
      world.person(university).call(routes.createRun, { body: { submission: id } })
    ).rejects.toMatchObject({ code: 'attempts-spent' });
  }, 30_000);
});
