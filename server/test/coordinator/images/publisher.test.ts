import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { LayoutStore, type Credentials } from '@clean-room/oci';
import { composeImage } from '@clean-room/protocol/packaging';
import {
  ADA,
  startPasswordRegistry,
  startRegistry,
  startTokenRegistry,
  type Registry
} from '../../../../packages/oci/test/support/registry.js';
import { googleCredentials } from '../../../src/coordinator/images/google-credentials.js';
import { LayoutPublisher } from '../../../src/coordinator/images/layout-publisher.js';
import {
  held,
  kernelImage,
  openRepositories,
  publisherContract,
  putLayer,
  spec,
  type Opened
} from './publisher-contract.js';

const asAda: Credentials = async () => ADA;

function openRegistry({ host }: Registry, credentials: Credentials): Opened {
  const repository = `${host}/team/${randomUUID()}`;
  return openRepositories(repository, `${repository}-kernel`, credentials);
}

describe('publishing to a layout folder', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'publisher-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  const open = async (): Promise<Opened> => {
    const own = path.join(folder, randomUUID());
    const store = await LayoutStore.open(own);
    return { publisher: await LayoutPublisher.open(own), store, kernelImages: store, location: own };
  };
  publisherContract(open);

  test('throws when the kernel image is missing', async () => {
    const { imageDigest } = await composeImage(kernelImage, spec, [held]);
    const { publisher } = await open();
    await expect(
      publisher.publish(imageDigest, { kernelImage: kernelImage.image, spec, files: [held] })
    ).rejects.toMatchObject({ code: 'image-unknown' });
  });
});

describe.each<[string, () => Promise<Registry>, Credentials]>([
  ['without authentication', () => startRegistry(), async () => undefined],
  ['with passwords', startPasswordRegistry, asAda],
  ['with tokens', startTokenRegistry, asAda]
])('publishing to a registry %s', (_name, start, credentials) => {
  let registry: Registry;
  beforeAll(async () => {
    registry = await start();
  }, 30_000);
  afterAll(() => registry.stop());

  publisherContract(async () => openRegistry(registry, credentials));

  test('throws when the kernel image is missing', async () => {
    const { imageDigest } = await composeImage(kernelImage, spec, [held]);
    const { publisher } = openRegistry(registry, credentials);
    await expect(
      publisher.publish(imageDigest, { kernelImage: kernelImage.image, spec, files: [held] })
    ).rejects.toMatchObject({ code: 'image-unknown' });
  });
});

test('a registry that refuses deletion, wrong credentials or all requests ends with an error', async () => {
  const keeping = await startRegistry(undefined, false);
  const { imageDigest } = await composeImage(kernelImage, spec, [held]);
  const { publisher, kernelImages } = openRegistry(keeping, async () => undefined);
  await putLayer(kernelImages);
  await publisher.publish(imageDigest, { kernelImage: kernelImage.image, spec, files: [held] });
  await expect(publisher.remove(imageDigest)).rejects.toMatchObject({
    code: 'registry-failed',
    details: { status: 405 }
  });
  await keeping.stop();
  await expect(publisher.ping()).rejects.toMatchObject({ code: 'registry-failed' });
  const guarded = await startPasswordRegistry();
  const stranger = openRegistry(guarded, async () => ({ username: 'ada', password: 'wrong' }));
  await expect(stranger.publisher.ping()).rejects.toMatchObject({ code: 'registry-failed' });
  await guarded.stop();
}, 30_000);

describe('credentials of a Google service account', () => {
  /** The metadata server's answer to the request for a token (cloud.google.com/compute/docs/access/authenticate-workloads). */
  const TOKEN = '/computeMetadata/v1/instance/service-accounts/default/token';
  let server: Server;
  const requests: string[] = [];
  const environment = { ...process.env };

  beforeAll(async () => {
    server = createServer((request, response) => {
      requests.push(request.url ?? '');
      response.setHeader('metadata-flavor', 'Google');
      if (request.headers['metadata-flavor'] !== 'Google' || request.url?.split('?', 1)[0] !== TOKEN) {
        response.writeHead(403).end();
        return;
      }
      response
        .setHeader('content-type', 'application/json')
        .end('{"access_token":"ya29.machine","expires_in":3599,"token_type":"Bearer"}');
    }).listen(0, '127.0.0.1');
    await new Promise(resolve => server.once('listening', resolve));
    process.env['GCE_METADATA_HOST'] = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(async () => {
    process.env = environment;
    server.closeAllConnections();
    await new Promise(resolve => server.close(resolve));
  });

  test('are the token of the metadata server, which is asked once', async () => {
    const credentials = await googleCredentials();
    const expected = { username: 'oauth2accesstoken', password: 'ya29.machine' };
    expect(await credentials('europe-west4-docker.pkg.dev')).toEqual(expected);
    expect(await credentials('gcr.io')).toEqual(expected);
    expect(requests).toHaveLength(1);
  });

  test.each(['registry.example', 'pkg.dev.example', 'evil-gcr.io', 'ghcr.io'])(
    'are not sent to %s',
    async host => {
      expect(await (await googleCredentials())(host)).toBeUndefined();
    }
  );

  test('end with an error when the metadata server does not answer', async () => {
    const answering = process.env['GCE_METADATA_HOST'];
    process.env['GCE_METADATA_HOST'] = '127.0.0.1:1';
    await expect((await googleCredentials())('gcr.io')).rejects.toMatchObject({
      code: 'registry-failed',
      remedy: expect.any(String)
    });
    process.env['GCE_METADATA_HOST'] = answering;
  }, 60_000);
});
