import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { LayoutStore, RegistryStore, type Credentials, type ImageStore } from '@clean-room/oci';
import { retry } from '@clean-room/node-support';
import { digestOf, utf8, type Digest } from '@clean-room/protocol/bytes';
import { generateSigningKey, type ReadDocument } from '@clean-room/protocol/documents';
import { isCleanRoomError } from '@clean-room/protocol/errors';
import { composeImage, heldFile, type RevisionFile } from '@clean-room/protocol/packaging';
import { readSpec, Spec } from '@clean-room/protocol/submissions';
import {
  ADA,
  startPasswordRegistry,
  startRegistry,
  startTokenRegistry,
  type Registry
} from '../../../../packages/oci/test/support/registry.js';
import { googleCredentials } from '../../../src/coordinator/images/google-credentials.js';
import { LayoutPublisher } from '../../../src/coordinator/images/layout-publisher.js';
import type { ImagePublisher } from '../../../src/coordinator/images/publisher.js';
import { RegistryPublisher } from '../../../src/coordinator/images/registry-publisher.js';
import { RECIPIENT, syntheticKernelImage } from '../../support/parties.js';

const kernelImage = syntheticKernelImage(generateSigningKey());
const notebook = utf8('{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}');
const held = heldFile('explore.ipynb', notebook);

function specWith({ path, digest, bytes }: RevisionFile): ReadDocument<Spec> {
  return readSpec(
    Spec.write({
      format: 'clean-room.spec/v1',
      collaboration: digestOf(utf8('collaboration')),
      purpose: 'Test of publishing',
      kernelImage: kernelImage.digest,
      workspace: [{ path, digest, bytes }],
      notebook: path,
      parameters: '{}',
      assets: [],
      submitter: `ed25519:${'A'.repeat(43)}`,
      recipients: [RECIPIENT],
      compute: { processors: 1, memoryBytes: 1024 ** 3, accelerator: 'none' }
    })
  );
}

const spec = specWith(held);

/** One store of images, with the publisher that writes to it. */
interface Opened {
  readonly publisher: ImagePublisher;
  /** The store that images are published to. */
  readonly store: ImageStore;
  /** The store with the kernel images. */
  readonly kernelImages: ImageStore;
  /** The location that references begin with. */
  readonly location: string;
}

const asAda: Credentials = async () => ADA;
const FEW_RETRIES = { attempts: 2, firstDelayMs: 10, longestDelayMs: 100 };
const LAYER = utf8('layer');

async function putLayer(store: ImageStore): Promise<void> {
  await store.writeBlob(digestOf(LAYER), LAYER.length, async function* () {
    yield LAYER;
  });
}

function openRegistry({ host }: Registry, credentials: Credentials): Opened {
  const repository = `${host}/team/${randomUUID()}`;
  const kernelImages = `${repository}-kernel`;
  const options = { credentials, retryPolicy: FEW_RETRIES };
  const at = (address: string): string => `http://${address}`;
  return {
    publisher: new RegistryPublisher({ repository: at(repository), kernelImages: at(kernelImages) }, options),
    store: RegistryStore.open(at(repository), options),
    kernelImages: RegistryStore.open(at(kernelImages), options),
    location: repository
  };
}

/** The tests that every publisher must pass. */
function publisherContract(open: () => Promise<Opened>): void {
  let opened: Opened;
  let reads: number;
  /** A file that is read when its content is used, as stored files are. */
  const file: RevisionFile = {
    path: held.path,
    digest: held.digest,
    bytes: held.bytes,
    content: () => {
      reads++;
      return [notebook];
    }
  };
  const parts = { kernelImage: kernelImage.image, spec, files: [file] };
  const imageDigest = async (): Promise<Digest> =>
    (await composeImage(kernelImage, spec, [held])).imageDigest;

  beforeEach(async () => {
    reads = 0;
    opened = await open();
    await putLayer(opened.kernelImages);
  });

  test('writes the approved image once, and returns its reference by digest', async () => {
    const image = await imageDigest();
    const reference = `${opened.location}@${image}`;
    expect(await opened.publisher.publish(image, parts)).toBe(reference);
    expect(await opened.store.hasManifest(image)).toBe(true);
    expect(await opened.store.hasBlob(digestOf(LAYER))).toBe(true);
    const before = reads;
    expect(await opened.publisher.publish(image, parts)).toBe(reference);
    expect(reads).toBe(before);
  });

  test('publishes the same image from several replicas at the same time', async () => {
    const image = await imageDigest();
    // A registry may refuse a manifest while another client uploads the same blobs. The job queue then repeats the job.
    const publish = () =>
      retry(
        { attempts: 10, firstDelayMs: 20, longestDelayMs: 200 },
        () => opened.publisher.publish(image, parts),
        {
          isTransient: error => isCleanRoomError(error, 'registry-failed')
        }
      );
    await Promise.all([publish(), publish(), publish()]);
    expect(await opened.store.readManifest(image)).toEqual(
      (await composeImage(kernelImage, spec, [held])).manifest
    );
  });

  test('writes no image when the parts compose another one than the approved', async () => {
    const other = digestOf(utf8('what was approved'));
    await expect(opened.publisher.publish(other, parts)).rejects.toMatchObject({ code: 'digest-mismatch' });
    expect(await opened.store.hasManifest(await imageDigest())).toBe(false);
    expect(await opened.store.hasManifest(other)).toBe(false);
  });

  test('removes an image, also twice, and can publish it again', async () => {
    const image = await imageDigest();
    await opened.publisher.publish(image, parts);
    await opened.publisher.remove(image);
    await opened.publisher.remove(image);
    expect(await opened.store.hasManifest(image)).toBe(false);
    expect(await opened.kernelImages.hasBlob(digestOf(LAYER))).toBe(true);
    await opened.publisher.publish(image, parts);
    expect(await opened.store.hasManifest(image)).toBe(true);
  });

  test('answers a ping', async () => {
    await opened.publisher.ping();
  });
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

  test('gives each image a tag of its own', async () => {
    const { imageDigest } = await composeImage(kernelImage, spec, [held]);
    const { publisher, store, kernelImages } = openRegistry(registry, credentials);
    await putLayer(kernelImages);
    await publisher.publish(imageDigest, { kernelImage: kernelImage.image, spec, files: [held] });
    expect(await store.resolve(`revision-${imageDigest.slice(7)}`)).toBe(imageDigest);
  });

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
