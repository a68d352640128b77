import { describe, expect, test } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { digestOf, fromBase64, utf8 } from '@clean-room/protocol/bytes';
import { PROOF_HEADER, proveRequest } from '@clean-room/protocol/jobs';
import { generateAttemptKey } from '@clean-room/protocol/key-release';
import { routes } from '@clean-room/api/coordinator';
import { newId } from '../../../src/platform/ids.js';
import type { AttemptPlan } from '../../../src/coordinator/start.js';
import type { TestDeployment } from '../../support/deployment.js';
import { DATABASES } from '../../support/databases.js';
import { useSharedDeployment } from '../../support/shared-deployment.js';
import type { SupervisorChanges } from '../../support/supervisor.js';
import { eventually } from '../../support/wait.js';

const BYTES = 4096;

describe.each(DATABASES)('only the registered attempt speaks for its run, on %s', (_kind, prepare) => {
  let deployment: TestDeployment;
  useSharedDeployment(prepare, shared => {
    deployment = shared;
  });

  interface StartedRun {
    readonly plan: AttemptPlan;
    readonly spec: Uint8Array;
    readonly state: () => Promise<string>;
  }

  /** Starts a run with one asset, or without assets. */
  async function started(assets = deployment.assets.slice(0, 1)): Promise<StartedRun> {
    const { university, hospital } = deployment.parties;
    const { id, image } = await deployment.submit(assets);
    if (assets.length > 0) await deployment.approve(hospital, id);
    const plan = await eventually(() => deployment.backend.starts.find(start => start.image === image));
    const view = () => deployment.person(university).call(routes.getSubmission, { params: { id } });
    return {
      plan,
      spec: fromBase64((await view()).revisions[0]!.spec),
      state: async () => (await view()).runs[0]!.state
    };
  }

  /** Sends a raw request of an attempt, and returns status and body. */
  async function send(
    plan: AttemptPlan,
    path: string,
    body: string,
    proof?: string
  ): Promise<{ readonly status: number; readonly body: string }> {
    const response = await fetch(`${deployment.address()}/v1/jobs/${plan.attempt}${path}`, {
      method: 'POST',
      body,
      headers: {
        'content-type': 'application/json',
        ...(proof === undefined ? {} : { [PROOF_HEADER]: proof })
      }
    });
    return { status: response.status, body: await response.text() };
  }

  /** Returns the proof of a request to post progress. */
  function proofOf(secret: Uint8Array, plan: AttemptPlan, sequence: number, body: string): string {
    return proveRequest(secret, {
      sequence,
      method: 'POST',
      path: `/v1/jobs/${plan.attempt}/progress`,
      body: digestOf(utf8(body))
    });
  }

  const cell = (number: number): string => JSON.stringify({ phase: 'running', cell: number, cells: 9 });

  test('a caller that knows the job’s address can neither read nor write', async () => {
    const { plan, state } = await started();
    const statement = randomBytes(BYTES).toString('base64');
    const result = { statement, token: 'token', keyReleases: [], outputs: [digestOf(utf8('output'))] };
    for (const proof of [undefined, 'x', `1.${'A'.repeat(43)}`]) {
      expect(await send(plan, '/results', JSON.stringify(result), proof)).toMatchObject({ status: 401 });
      expect(
        await send(plan, '/progress', JSON.stringify({ phase: 'stopped', reason: 'internal' }), proof)
      ).toMatchObject({ status: 401 });
    }
    const read = await fetch(`${deployment.address()}/v1/jobs/${plan.attempt}`);
    expect(read.status).toBe(401);
    expect(await state()).toBe('starting');
    expect(deployment.backend.running.has(plan.attempt)).toBe(true);
  }, 30_000);

  test('registers one key per attempt, and gives the same key the same secret', async () => {
    const { plan } = await started();
    const key = await generateAttemptKey();
    const first = await deployment.supervisor(plan, { key }).register();
    expect(first).toHaveLength(32);
    expect(await deployment.supervisor(plan, { key }).register()).toEqual(first);
    await expect(deployment.supervisor(plan).register()).rejects.toMatchObject({ code: 'conflict' });
  }, 30_000);

  const job = `http://supervisors.invalid/v1/jobs/${newId()}`;
  const refused: [string, SupervisorChanges][] = [
    ['in another project', { machine: { projectId: 'elsewhere' } }],
    ['in another zone', { machine: { zone: 'elsewhere' } }],
    ['on another machine', { machine: { instanceName: 'another' } }],
    ['with another image', { container: { imageDigest: digestOf(utf8('other')) } }],
    [
      'started for another job',
      { container: { env: { CLEAN_ROOM_JOB: job }, envOverride: { CLEAN_ROOM_JOB: job } } }
    ],
    ['started without the job', { container: { env: {}, envOverride: {} } }],
    ['with another command', { container: { args: ['/bin/sh'], cmdOverride: ['/bin/sh'] } }]
  ];
  test.each(refused)('refuses to register the image %s', async (_name, changes) => {
    const { plan } = await started();
    await expect(deployment.supervisor(plan, changes).register()).rejects.toMatchObject({
      code: 'attestation-refused'
    });
  });

  test('refuses a token for another key, and an attempt that was never started', async () => {
    const { plan } = await started();
    await expect(deployment.supervisor(plan).register('n'.repeat(43))).rejects.toMatchObject({
      code: 'attestation-refused'
    });
    const unknown = { ...plan, attempt: newId() };
    await expect(deployment.supervisor(unknown).register()).rejects.toMatchObject({ code: 'not-found' });
  }, 30_000);

  test('trusts the backend’s own root for a run without assets', async () => {
    const { plan } = await started([]);
    const { roots } = deployment.backend;
    deployment.backend.roots = [{ kind: 'simulated', sha256: digestOf(utf8('other root')) }];
    try {
      await expect(deployment.supervisor(plan).register()).rejects.toMatchObject({
        code: 'attestation-refused'
      });
    } finally {
      deployment.backend.roots = roots;
    }
    expect(await deployment.supervisor(plan).register()).toHaveLength(32);
  }, 30_000);

  test('refuses the secret of another attempt', async () => {
    const [one, other] = [await started(), await started()];
    await deployment.supervisor(one.plan).register();
    const secret = await deployment.supervisor(other.plan).register();
    const body = cell(1);
    expect(await send(one.plan, '/progress', body, proofOf(secret, one.plan, 1, body))).toMatchObject({
      status: 401
    });
  }, 30_000);

  test('handles a request once, and refuses changed, older and reordered ones', async () => {
    const { plan, state } = await started();
    const secret = await deployment.supervisor(plan).register();
    const post = (sequence: number, body: string, sent = body) =>
      send(plan, '/progress', sent, proofOf(secret, plan, sequence, body));
    expect(await post(5, cell(1))).toMatchObject({ status: 204 });
    expect(await post(5, cell(1))).toMatchObject({ status: 204 });
    expect(await post(5, cell(2))).toMatchObject({ status: 409 });
    expect(await post(4, cell(1))).toMatchObject({ status: 409 });
    expect(await post(6, cell(2), cell(3))).toMatchObject({ status: 401 });
    expect(await post(7, cell(3))).toMatchObject({ status: 204 });
    expect(await post(6, JSON.stringify({ phase: 'stopped', reason: 'internal' }))).toMatchObject({
      status: 409
    });
    expect(await state()).toBe('running');
  }, 30_000);

  test('returns the stored answer to a repeated request', async () => {
    const { plan, spec } = await started();
    const supervisor = deployment.supervisor(plan);
    const secret = await supervisor.register();
    const body = JSON.stringify({ direction: 'upload', digest: digestOf(spec), bytes: 10 });
    const path = `/v1/jobs/${plan.attempt}/transfers`;
    const proof = proveRequest(secret, { sequence: 1, method: 'POST', path, body: digestOf(utf8(body)) });
    const first = await send(plan, '/transfers', body, proof);
    expect(first.status).toBe(200);
    await new Promise(resolve => setTimeout(resolve, 1100));
    expect(await send(plan, '/transfers', body, proof)).toEqual(first);
  }, 30_000);

  test.each<[string, SupervisorChanges]>([
    ['of another machine', { machine: { instanceName: 'another' } }],
    ['of another image', { container: { imageDigest: digestOf(utf8('other')) } }]
  ])('refuses a result with a token %s', async (_name, changes) => {
    const { plan, spec, state } = await started();
    const supervisor = deployment.supervisor(plan);
    const result = await supervisor.uploadOutput(spec);
    const key = await supervisor.key();
    const { token } = await deployment
      .supervisor(plan, { ...changes, key })
      .result(spec, { digest: result.outputs[0]!, bytes: 64 }, []);
    await expect(supervisor.postResult({ ...result, token })).rejects.toMatchObject({
      code: 'attestation-refused'
    });
    expect(await state()).toBe('starting');
    await supervisor.postResult(result);
  });

  test('refuses a result with a token for another statement, and a statement of another attempt', async () => {
    const { plan, spec, state } = await started();
    const supervisor = deployment.supervisor(plan);
    const result = await supervisor.uploadOutput(spec);
    const other = await supervisor.uploadOutput(spec);
    await expect(supervisor.postResult({ ...result, token: other.token })).rejects.toMatchObject({
      code: 'attestation-refused'
    });
    const { publicKey } = await generateAttemptKey();
    await expect(supervisor.deliverResult(spec, [], { attemptKey: publicKey })).rejects.toMatchObject({
      code: 'digest-mismatch'
    });
    expect(await state()).toBe('starting');
  }, 30_000);

  test('gives transfer addresses for one object, one direction and a few minutes', async () => {
    const { plan } = await started();
    const [asset] = deployment.assets;
    const supervisor = deployment.supervisor(plan);
    const digest = digestOf(asset!.sealed);
    const { url, expires } = await supervisor.transfer({
      direction: 'download',
      digest,
      bytes: asset!.sealed.length
    });
    expect((Date.parse(expires) - Date.now()) / 1000).toBeLessThanOrEqual(900);
    expect(
      (
        await fetch(url, {
          method: 'PUT',
          body: new Uint8Array(4),
          headers: { 'content-type': 'application/octet-stream' }
        })
      ).status
    ).toBe(403);
    const changed = url.replace(/.$/, last => (last === 'A' ? 'B' : 'A'));
    expect((await fetch(changed)).status).toBe(403);
    const rest = await fetch(url, { headers: { range: 'bytes=7-' } });
    expect([rest.status, rest.headers.get('content-range')]).toEqual([
      206,
      `bytes 7-${asset!.sealed.length - 1}/${asset!.sealed.length}`
    ]);
    expect(new Uint8Array(await rest.arrayBuffer())).toEqual(asset!.sealed.subarray(7));
  }, 30_000);

  test('stores only an upload of the announced length and digest', async () => {
    const { plan } = await started();
    const supervisor = deployment.supervisor(plan);
    const bytes = new Uint8Array(randomBytes(32));
    const put = async (announced: number, content: Uint8Array) => {
      const { url } = await supervisor.transfer({
        direction: 'upload',
        digest: digestOf(bytes),
        bytes: announced
      });
      const headers = { 'content-type': 'application/octet-stream' };
      return (await fetch(url, { method: 'PUT', body: new Uint8Array(content), headers })).status;
    };
    expect(await put(32, new Uint8Array(32))).toBe(422);
    expect(await put(31, bytes)).toBe(422);
    expect(await put(32, bytes)).toBe(201);
    expect(await put(32, bytes)).toBe(201);
  }, 30_000);
});
