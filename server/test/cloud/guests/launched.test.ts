import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { copyImage, LayoutStore, RegistryStore } from '@clean-room/oci';
import type { Digest } from '@clean-room/protocol/bytes';
import { verifyToken } from '@clean-room/protocol/attestation';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { scriptLayer, toolsLayer, writeImage } from '../../../../packages/simulator/test/support/image.js';
import { eventually } from '../../support/wait.js';
import { insertBody, ZONE, type InstanceResource } from '../compute/insert-body.js';
import { ComputeRest } from '../compute/rest.js';
import { COORDINATOR, FakeCloud, PROJECT, WORKLOAD } from '../cloud.js';
import { LaunchedGuests } from './launched.js';

let cloud: FakeCloud;
let guests: LaunchedGuests;
let rest: ComputeRest;
let folder: string;
let tools: Buffer;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'clean-room-cloud-guest-'));
  tools = await toolsLayer();
  guests = new LaunchedGuests({ folder, cacheDir: path.join(folder, 'cache'), shutdownMilliseconds: 0 });
  cloud = await FakeCloud.start({ guests });
  rest = new ComputeRest(cloud);
});

afterAll(async () => {
  await cloud.stop();
  await rm(folder, { recursive: true, force: true });
});

const LABELS = {
  'tee.launch_policy.allow_env_override': 'CLEAN_ROOM_JOB',
  'tee.launch_policy.log_redirect': 'always'
};

/** Pushes an image that runs a script to Artifact Registry. Returns its digest and its reference. */
async function push(script: string): Promise<{ digest: Digest; reference: string }> {
  const layout = path.join(folder, 'layout');
  const config = { Entrypoint: ['/bin/sh', '/clean-room/run.sh'], Labels: LABELS };
  const digest = await writeImage(layout, [tools, await scriptLayer(script)], config);
  const repository = `${cloud.registryHost}/${PROJECT.id}/runs/notebook`;
  const { token } = cloud.accounts.issueToken(COORDINATOR.email);
  const credentials = async () => ({ username: 'oauth2accesstoken', password: token });
  await copyImage(
    await LayoutStore.open(layout),
    RegistryStore.open(`http://${repository}`, { credentials }),
    digest
  );
  return { digest, reference: `${repository}@${digest}` };
}

function metadata(reference: string, others: Readonly<Record<string, string>> = {}): InstanceResource {
  const items = { 'tee-image-reference': reference, 'tee-container-log-redirect': 'true', ...others };
  return { metadata: { items: Object.entries(items).map(([key, value]) => ({ key, value })) } };
}

function terminated(name: string): Promise<true> {
  return eventually(async () => ((await rest.status(name)) === 'TERMINATED' ? true : undefined), 60);
}

function serialOf(name: string): string {
  return cloud.fleet.get(ZONE, name)!.serialPort.read(0).contents;
}

describe('a machine with the image of Confidential Space', () => {
  test('runs its container with a hardware token of the test authority, and powers off', async () => {
    const token = '/run/container_launcher/attestation_verifier_claims_token';
    const { digest, reference } = await push(
      `echo "job $CLEAN_ROOM_JOB"; echo "token $(cat ${token})"; exit 0`
    );
    const job = 'https://coordinator.example/v1/jobs/a1b2c3d4a1b2c3d4a1b2c3d4a1b2c3d4';
    await rest.start(insertBody('run-1', metadata(reference, { 'tee-env-CLEAN_ROOM_JOB': job })));
    await terminated('run-1');
    const serial = serialOf('run-1');
    expect(serial).toContain(`job ${job}`);
    const [, jwt = ''] = /^token (\S+)\r$/m.exec(serial) ?? [];
    const instance = cloud.fleet.get(ZONE, 'run-1')!;
    const { authority } = guests;
    const trust = { pkiRoots: [authority.root], jwks: [authority.jwks] as never };
    const expect_ = {
      imageDigest: digest,
      projectId: PROJECT.id,
      zone: ZONE,
      serviceAccounts: [WORKLOAD.email],
      hwmodels: ['GCP_INTEL_TDX']
    };
    const request = { profile: 'production', at: new Date(), trust } as const;
    const appraisal = await verifyToken(jwt, { ...request, expect: expect_ });
    expect(appraisal.steps.filter(({ status }) => status === 'fail')).toEqual([]);
    expect(appraisal.ok).toBe(true);
    const claims = JSON.parse(Buffer.from(jwt.split('.')[1]!, 'base64url').toString()) as object;
    expect(claims).toMatchObject({
      submods: { gce: { instance_name: 'run-1', instance_id: instance.id, project_number: PROJECT.number } }
    });
    // Without the root of the authority, the token is worth nothing.
    expect((await verifyToken(jwt, { ...request, trust: { pkiRoots: [] } })).ok).toBe(false);
  });

  test('writes the lines of the launcher to Cloud Logging', async () => {
    const response = await fetch(`${cloud.loggingUrl}/v2/entries:list`, {
      method: 'POST',
      headers: { authorization: rest.authorization },
      body: JSON.stringify({ resourceNames: [`projects/${PROJECT.id}`], pageSize: 1000 })
    });
    const { entries } = (await response.json()) as { entries: { jsonPayload: Record<string, unknown> }[] };
    expect(entries.map(({ jsonPayload }) => jsonPayload)).toContainEqual(
      expect.objectContaining({ MESSAGE: 'TEE container launcher exiting', exit_code: 0, _HOSTNAME: 'run-1' })
    );
  });

  test('powers off when its image cannot be pulled or does not allow a variable', async () => {
    const { reference } = await push('exit 0');
    const unknown = reference.replace(/[0-9a-f]{64}$/, '0'.repeat(64));
    await rest.start(insertBody('run-2', metadata(unknown)));
    await rest.start(insertBody('run-3', metadata(reference, { 'tee-env-OTHER': '1' })));
    await Promise.all([terminated('run-2'), terminated('run-3')]);
    expect(serialOf('run-2')).toContain('failed to pull image with retries');
    expect(serialOf('run-3')).toContain('is not allowed to be overridden on this image');
  });

  test('pulls again after a failure of the registry', async () => {
    const { reference } = await push('echo pulled; exit 0');
    cloud.faults.plan({
      call: 'artifactregistry.manifests.get',
      fault: { kind: 'status', code: 503 },
      times: 2
    });
    await rest.start(insertBody('run-4', metadata(reference)));
    await terminated('run-4');
    expect(serialOf('run-4')).toContain('pulled');
  });

  test('gives its program time when it is stopped, and ends without power', async () => {
    const { reference } = await push(
      "trap 'echo stopped; exit 0' TERM; echo ready; while :; do sleep 0.1; done"
    );
    for (const name of ['run-5', 'run-6']) await rest.start(insertBody(name, metadata(reference)));
    for (const name of ['run-5', 'run-6']) {
      await eventually(() => (serialOf(name).includes('ready') ? true : undefined), 60);
    }
    await rest.send('POST', `zones/${ZONE}/instances/run-5/stop`);
    await cloud.fleet.failHost(cloud.fleet.get(ZONE, 'run-6')!);
    await terminated('run-5');
    expect(serialOf('run-5')).toContain('stopped');
    expect(serialOf('run-6')).not.toContain('stopped');
  });
});
