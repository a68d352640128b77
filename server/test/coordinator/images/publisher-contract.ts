import { beforeEach, expect, test } from '@jest/globals';
import { RegistryStore, type Credentials, type ImageStore } from '@clean-room/oci';
import { retry } from '@clean-room/node-support';
import { digestOf, utf8, type Digest } from '@clean-room/protocol/bytes';
import { generateSigningKey, type ReadDocument } from '@clean-room/protocol/documents';
import { isCleanRoomError } from '@clean-room/protocol/errors';
import { composeImage, heldFile, type RevisionFile } from '@clean-room/protocol/packaging';
import { readSpec, Spec } from '@clean-room/protocol/submissions';
import type { ImagePublisher } from '../../../src/coordinator/images/publisher.js';
import { RegistryPublisher } from '../../../src/coordinator/images/registry-publisher.js';
import { RECIPIENT, syntheticKernelImage } from '../../support/parties.js';

export const kernelImage = syntheticKernelImage(generateSigningKey());
const notebook = utf8('{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}');
export const held = heldFile('explore.ipynb', notebook);

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

export const spec = specWith(held);

/** One store of images, with the publisher that writes to it. */
export interface Opened {
  readonly publisher: ImagePublisher;
  /** The store that images are published to. */
  readonly store: ImageStore;
  /** The store with the kernel images. */
  readonly kernelImages: ImageStore;
  /** The location that references begin with. */
  readonly location: string;
}

const FEW_RETRIES = { attempts: 2, firstDelayMs: 10, longestDelayMs: 100 };
export const LAYER = utf8('layer');

/** Writes the layer of the kernel image. */
export async function putLayer(store: ImageStore): Promise<void> {
  await store.writeBlob(digestOf(LAYER), LAYER.length, async function* () {
    yield LAYER;
  });
}

/** Opens a publisher to one repository of a registry, with the kernel images in another one. */
export function openRepositories(repository: string, kernelImages: string, credentials: Credentials): Opened {
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
export function publisherContract(open: () => Promise<Opened>): void {
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
