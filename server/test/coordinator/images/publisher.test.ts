import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { LayoutStore } from '@clean-room/oci';
import { digestOf, utf8 } from '@clean-room/protocol/bytes';
import { generateSigningKey, type ReadDocument } from '@clean-room/protocol/documents';
import { composeImage, heldFile, type RevisionFile } from '@clean-room/protocol/packaging';
import { readSpec, Spec } from '@clean-room/protocol/submissions';
import { LayoutPublisher } from '../../../src/coordinator/images/publisher.js';
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

describe('publishing into a layout folder', () => {
  let folder: string;
  let store: LayoutStore;
  let publisher: LayoutPublisher;
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

  beforeEach(async () => {
    reads = 0;
    folder = await mkdtemp(path.join(tmpdir(), 'publisher-'));
    store = await LayoutStore.open(folder);
    publisher = await LayoutPublisher.open(folder);
    const layer = utf8('layer');
    await store.writeBlob(digestOf(layer), layer.length, async function* () {
      yield layer;
    });
  });
  afterEach(() => rm(folder, { recursive: true }));

  it('writes the approved image once, and reads its files once', async () => {
    const { imageDigest } = await composeImage(kernelImage, spec, [held]);
    await publisher.publish(imageDigest, parts);
    expect(await store.hasManifest(imageDigest)).toBe(true);
    await publisher.publish(imageDigest, parts);
    expect(reads).toBe(1);
  });

  it('writes nothing when the parts compose another image than the approved one', async () => {
    const before = await readdir(path.join(folder, 'blobs/sha256'));
    const other = digestOf(utf8('what was approved'));
    await expect(publisher.publish(other, parts)).rejects.toMatchObject({ code: 'digest-mismatch' });
    expect(await readdir(path.join(folder, 'blobs/sha256'))).toEqual(before);
  });

  it('throws when the kernel image is missing', async () => {
    const { imageDigest } = await composeImage(kernelImage, spec, [held]);
    await rm(folder, { recursive: true });
    const empty = await LayoutPublisher.open(folder);
    await expect(empty.publish(imageDigest, parts)).rejects.toMatchObject({ code: 'image-unknown' });
  });
});
