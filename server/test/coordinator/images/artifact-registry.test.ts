import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import type { Credentials } from '@clean-room/oci';
import { digestOf } from '@clean-room/protocol/bytes';
import { composeImage } from '@clean-room/protocol/packaging';
import { COORDINATOR, FakeCloud, PROJECT, WORKLOAD } from '../../cloud/cloud.js';
import {
  held,
  kernelImage,
  LAYER,
  openRepositories,
  publisherContract,
  putLayer,
  spec,
  type Opened
} from './publisher-contract.js';

describe('publishing to Artifact Registry with immutable tags', () => {
  let cloud: FakeCloud;
  beforeAll(async () => {
    cloud = await FakeCloud.start({
      repositories: { revisions: { immutableTags: true }, kernels: { immutableTags: true } }
    });
  }, 30_000);
  afterAll(() => cloud.stop());

  const as =
    (email: string): Credentials =>
    () =>
      Promise.resolve({
        username: 'oauth2accesstoken',
        password: cloud.accounts.issueToken(email).token
      });

  function open(credentials = as(COORDINATOR.email), image: string = randomUUID()): Opened {
    const at = (repository: string): string => `${cloud.registryHost}/${PROJECT.id}/${repository}/${image}`;
    return openRepositories(at('revisions'), at('kernels'), credentials);
  }

  publisherContract(async () => open());

  test('mounts the layers of the kernel image, and writes no tag', async () => {
    const { publisher, store, kernelImages } = open();
    await putLayer(kernelImages);
    const uploads = cloud.faults.count('artifactregistry.blobs.upload');
    const { imageDigest } = await composeImage(kernelImage, spec, [held]);
    const reference = await publisher.publish(imageDigest, {
      kernelImage: kernelImage.image,
      spec,
      files: [held]
    });
    // The layer with the submission, and the configuration.
    expect(cloud.faults.count('artifactregistry.blobs.upload') - uploads).toBe(2);
    expect(await store.hasBlob(digestOf(LAYER))).toBe(true);
    const { token } = cloud.accounts.issueToken(COORDINATOR.email);
    const [, path] = /^[^/]+\/(.*)@/.exec(reference) ?? [];
    const tags = await fetch(`http://${cloud.registryHost}/v2/${path}/tags/list`, {
      headers: { authorization: `Bearer ${token}` }
    });
    expect(await tags.json()).toMatchObject({ tags: [] });
  });

  test('ends with an error when the account may not write', async () => {
    const image = randomUUID();
    await putLayer(open(undefined, image).kernelImages);
    const { publisher } = open(as(WORKLOAD.email), image);
    const { imageDigest } = await composeImage(kernelImage, spec, [held]);
    await expect(
      publisher.publish(imageDigest, { kernelImage: kernelImage.image, spec, files: [held] })
    ).rejects.toMatchObject({ code: 'registry-failed', details: { status: 403 } });
  });
});
