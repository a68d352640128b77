import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { copyImage, LayoutStore, RegistryStore, type Credentials } from '@clean-room/oci';
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { makeKernelImage, putKernelImage } from '../../../../packages/oci/test/support/image.js';
import { COORDINATOR, FakeCloud, PROJECT, WORKLOAD } from '../cloud.js';

const run = promisify(execFile);
const retryPolicy = { attempts: 2, firstDelayMs: 5, longestDelayMs: 50 };

let cloud: FakeCloud;
let folder: string;

beforeAll(async () => {
  cloud = await FakeCloud.start({ repositories: { runs: {}, kernels: { immutableTags: true } } });
  folder = await mkdtemp(path.join(tmpdir(), 'clean-room-cloud-registry-'));
});

afterAll(async () => {
  await cloud.stop();
  await rm(folder, { recursive: true });
});

function credentialsOf(email: string): Credentials {
  return async () => ({ username: 'oauth2accesstoken', password: cloud.accounts.issueToken(email).token });
}

function open(repository: string, email = COORDINATOR.email): RegistryStore {
  const address = `http://${cloud.registryHost}/${PROJECT.id}/${repository}`;
  return RegistryStore.open(address, { credentials: credentialsOf(email), retryPolicy });
}

/** Sends a request of the Docker API to a path of a repository. */
function send(
  method: string,
  at: string,
  options: { email?: string; body?: Uint8Array; type?: string } = {}
): Promise<Response> {
  const { email = COORDINATOR.email, body, type = 'application/vnd.oci.image.manifest.v1+json' } = options;
  return fetch(`http://${cloud.registryHost}/v2/${PROJECT.id}/${at}`, {
    method,
    headers: {
      authorization: `Bearer ${cloud.accounts.issueToken(email).token}`,
      'content-type': type,
      accept: type
    },
    ...(body === undefined ? {} : { body: Buffer.from(body) })
  });
}

async function errorOf(response: Response): Promise<{ status: number; code: string | undefined }> {
  const { errors } = (await response.json()) as { errors: { code: string }[] };
  return { status: response.status, code: errors[0]?.code };
}

describe('Artifact Registry', () => {
  test('takes images from our client, and gives them to the service account of the machines', async () => {
    const image = await makeKernelImage();
    const digest = await putKernelImage(open('runs/notebook'), image);
    const layout = await LayoutStore.open(path.join(folder, 'pulled'));
    await copyImage(open('runs/notebook', WORKLOAD.email), layout, digest);
    expect(await layout.hasManifest(digest)).toBe(true);
  });

  test('takes images from skopeo, and mounts their layers in another repository', async () => {
    const image = await makeKernelImage([4000]);
    const layout = await LayoutStore.open(path.join(folder, 'layout'));
    const digest = await putKernelImage(layout, image, 'kernel');
    const { token } = cloud.accounts.issueToken(COORDINATOR.email);
    const target = `docker://${cloud.registryHost}/${PROJECT.id}/kernels/python:1`;
    await run('skopeo', [
      'copy',
      '--insecure-policy',
      '--preserve-digests',
      '--dest-tls-verify=false',
      '--dest-creds',
      `oauth2accesstoken:${token}`,
      `oci:${path.join(folder, 'layout')}:kernel`,
      target
    ]);
    expect((await send('HEAD', 'kernels/python/manifests/1')).headers.get('docker-content-digest')).toBe(
      digest
    );
    const uploads = cloud.faults.count('artifactregistry.blobs.upload');
    await copyImage(open('kernels/python'), open('runs/copy'), digest);
    expect(await open('runs/copy').hasManifest(digest)).toBe(true);
    expect(cloud.faults.count('artifactregistry.blobs.upload')).toBe(uploads);
  });

  test('refuses callers without token, role or repository', async () => {
    const anonymous = await fetch(`http://${cloud.registryHost}/v2/`);
    expect(anonymous.status).toBe(401);
    expect(anonymous.headers.get('www-authenticate')).toMatch(/^Bearer realm="http:.*\/v2\/token"/);
    const invented = await fetch(`http://${cloud.registryHost}/v2/`, {
      headers: { authorization: 'Bearer ya29.x' }
    });
    expect(invented.status).toBe(401);
    const upload = await send('POST', 'runs/notebook/blobs/uploads/', { email: WORKLOAD.email });
    expect(await errorOf(upload)).toEqual({ status: 403, code: 'DENIED' });
    const unknown = await send('GET', 'other/notebook/manifests/1');
    expect(await errorOf(unknown)).toEqual({ status: 404, code: 'NAME_UNKNOWN' });
  });

  test('moves a tag only in a repository whose tags are mutable', async () => {
    const [first, second] = [await makeKernelImage(), await makeKernelImage()];
    for (const repository of ['runs/tags', 'kernels/tags']) {
      await putKernelImage(open(repository), first, 'v1');
      await putKernelImage(open(repository), first, 'v1');
      await putKernelImage(open(repository), second);
    }
    expect((await send('PUT', 'runs/tags/manifests/v1', { body: second.manifest })).status).toBe(201);
    const refused = await send('PUT', 'kernels/tags/manifests/v1', { body: second.manifest });
    expect(await errorOf(refused)).toEqual({ status: 400, code: 'MANIFEST_INVALID' });
  });

  test('deletes versions that have no tag', async () => {
    const image = await makeKernelImage();
    for (const repository of ['runs/old', 'kernels/old']) {
      const digest = await putKernelImage(open(repository), image, 'v1');
      const tagged = await send('DELETE', `${repository}/manifests/${digest}`);
      expect(await errorOf(tagged)).toEqual({ status: 400, code: 'GOOGLE_MANIFEST_DANGLING_TAG' });
    }
    const immutable = await send('DELETE', 'kernels/old/manifests/v1');
    expect(await errorOf(immutable)).toEqual({ status: 400, code: 'FAILED_PRECONDITION' });
    expect((await send('DELETE', 'runs/old/manifests/v1')).status).toBe(202);
    const digest = await putKernelImage(open('runs/old'), image);
    expect((await send('DELETE', `runs/old/manifests/${digest}`)).status).toBe(202);
    expect((await send('GET', `runs/old/manifests/${digest}`)).status).toBe(404);
  });

  test('has its own faults', async () => {
    const image = await makeKernelImage();
    const digest = await putKernelImage(open('runs/faults'), image);
    for (const kind of ['reset', 'lost-response'] as const) {
      cloud.faults.plan({ call: 'artifactregistry.blobs.get', fault: { kind } });
      const layer = image.layers[0]!.digest;
      await expect(
        send('GET', `runs/faults/blobs/${layer}`).then(answer => answer.bytes())
      ).rejects.toThrow();
    }
    const layout = await LayoutStore.open(path.join(folder, 'faults'));
    cloud.faults.plan({ call: 'artifactregistry.blobs.get', fault: { kind: 'status', code: 503 } });
    await copyImage(open('runs/faults'), layout, digest);
  });
});
