import { randomBytes } from 'node:crypto';
import { digestOf, utf8, type Digest } from '@clean-room/protocol/bytes';
import { CleanRoomError } from '@clean-room/protocol/errors';
import type { ImageStore } from '../../src/store.js';
import { chunked, collect, makeKernelImage, putKernelImage } from './image.js';

/**
 * The tests that every image store must pass.
 *
 * @param open - returns a new empty store; all stores must be of the same kind and on the same disk or registry
 */
export function storeContract(open: () => Promise<ImageStore>): void {
  let store: ImageStore;
  beforeEach(async () => {
    store = await open();
  });

  const put = async (to: ImageStore, bytes: Uint8Array): Promise<Digest> => {
    await to.writeBlob(digestOf(bytes), bytes.length, chunked(bytes));
    return digestOf(bytes);
  };

  it('returns a blob unchanged', async () => {
    const bytes = randomBytes(3_000_000);
    const digest = digestOf(bytes);
    expect(await store.hasBlob(digest)).toBe(false);
    await put(store, bytes);
    expect(await store.hasBlob(digest)).toBe(true);
    expect(digestOf(await collect(store.readBlob(digest)))).toBe(digest);
  });

  it('stores an empty blob', async () => {
    const digest = await put(store, new Uint8Array());
    expect(await collect(store.readBlob(digest))).toEqual(new Uint8Array());
  });

  it('does not read a blob that it already has', async () => {
    const bytes = randomBytes(1000);
    await put(store, bytes);
    let read = 0;
    await store.writeBlob(digestOf(bytes), bytes.length, async function* () {
      read++;
      yield bytes;
    });
    expect(read).toBe(0);
  });

  it('computes the digest of an image’s new layer', async () => {
    const image = await makeKernelImage([]);
    const bytes = randomBytes(200_000);
    const layer = { size: bytes.length, bytes: chunked(bytes) };
    const seen: Digest[] = [];
    const describe = (digest: Digest): typeof image => {
      seen.push(digest);
      return image;
    };
    expect(await store.writeImage(layer, describe, 'image')).toBe(image);
    expect(await store.writeImage(layer, describe)).toBe(image);
    expect(seen).toEqual([digestOf(bytes), digestOf(bytes)]);
    expect(digestOf(await collect(store.readBlob(digestOf(bytes))))).toBe(digestOf(bytes));
    expect(await store.readManifest(digestOf(image.manifest))).toEqual(image.manifest);
    expect(await store.resolve('image')).toBe(digestOf(image.manifest));
    expect(digestOf(await collect(store.readBlob(digestOf(image.config))))).toBe(digestOf(image.config));
  });

  it.each([
    ['whose new layer is longer than stated', -1, undefined],
    ['whose new layer is shorter than stated', 1, undefined],
    [
      'that is rejected once the digest of the layer is known',
      0,
      new CleanRoomError('digest-mismatch', 'another')
    ]
  ])('stores nothing of an image %s', async (_name, off, rejection) => {
    const image = await makeKernelImage([]);
    const bytes = randomBytes(200_000);
    const layer = { size: bytes.length + off, bytes: chunked(bytes) };
    const describe = (): typeof image => {
      if (rejection !== undefined) throw rejection;
      return image;
    };
    await expect(store.writeImage(layer, describe, 'image')).rejects.toMatchObject({
      code: 'digest-mismatch'
    });
    expect(await store.hasManifest(digestOf(image.manifest))).toBe(false);
    expect(await store.hasBlob(digestOf(image.config))).toBe(false);
    expect(await store.hasBlob(digestOf(bytes))).toBe(false);
    expect(await store.resolve('image')).toBeUndefined();
  });

  it.each([
    ['other bytes', (bytes: Uint8Array) => Buffer.concat([bytes.subarray(1), utf8('!')])],
    ['fewer bytes', (bytes: Uint8Array) => bytes.subarray(1)],
    ['more bytes', (bytes: Uint8Array) => Buffer.concat([bytes, bytes])]
  ])('stores nothing of a blob with %s than stated', async (_name, change) => {
    const bytes = randomBytes(150_000);
    const digest = digestOf(bytes);
    await expect(store.writeBlob(digest, bytes.length, chunked(change(bytes)))).rejects.toMatchObject({
      code: 'digest-mismatch'
    });
    expect(await store.hasBlob(digest)).toBe(false);
    expect(await store.hasBlob(digestOf(change(bytes)))).toBe(false);
  });

  it('passes on the error of a blob’s source', async () => {
    const bytes = randomBytes(150_000);
    const broken = async function* (): AsyncGenerator<Uint8Array> {
      yield bytes.subarray(0, 70_000);
      throw new RangeError('the disk is on fire');
    };
    await expect(store.writeBlob(digestOf(bytes), bytes.length, broken)).rejects.toThrow(
      'the disk is on fire'
    );
    expect(await store.hasBlob(digestOf(bytes))).toBe(false);
  });

  it('accepts concurrent writes of the same blob', async () => {
    const bytes = randomBytes(500_000);
    await Promise.all(Array.from({ length: 5 }, () => put(store, bytes)));
    expect(digestOf(await collect(store.readBlob(digestOf(bytes))))).toBe(digestOf(bytes));
  });

  it('refuses to read blobs and manifests that it does not contain', async () => {
    const digest = digestOf(randomBytes(8));
    await expect(collect(store.readBlob(digest))).rejects.toMatchObject({ code: 'image-unknown' });
    await expect(store.readManifest(digest)).rejects.toMatchObject({ code: 'image-unknown' });
    expect(await store.hasManifest(digest)).toBe(false);
    expect(await store.resolve('unknown')).toBeUndefined();
  });

  it('finds a manifest by its digest, and the newest one by its tag', async () => {
    const [one, two] = [await makeKernelImage(), await makeKernelImage()];
    const first = await putKernelImage(store, one, 'kernel');
    expect(await store.resolve('kernel')).toBe(first);
    const second = await putKernelImage(store, two, 'kernel');
    expect(await store.resolve('kernel')).toBe(second);
    expect(await store.readManifest(first)).toEqual(one.manifest);
    expect(await store.readManifest(second)).toEqual(two.manifest);
    expect(await store.hasManifest(first)).toBe(true);
  });

  it('stores a manifest without a tag, and the same manifest twice', async () => {
    const image = await makeKernelImage();
    const digest = await putKernelImage(store, image);
    expect(await putKernelImage(store, image)).toBe(digest);
    expect(await store.readManifest(digest)).toEqual(image.manifest);
  });

  it.each(['../index.json', 'a/b', '', '.hidden', 'x'.repeat(129), 'a b', 'sha256:x'])(
    'refuses the tag %j',
    async name => {
      const { manifest } = await makeKernelImage();
      await expect(store.writeManifest(manifest, name)).rejects.toMatchObject({ code: 'malformed' });
    }
  );

  it.each(['sha256:../../index.json', 'sha256:', `sha512:${'0'.repeat(128)}`, `sha256:${'A'.repeat(64)}`])(
    'refuses the digest %j',
    async text => {
      const digest = text as Digest;
      await expect(store.hasBlob(digest)).rejects.toMatchObject({ code: 'malformed' });
      await expect(collect(store.readBlob(digest))).rejects.toMatchObject({ code: 'malformed' });
      await expect(store.readManifest(digest)).rejects.toMatchObject({ code: 'malformed' });
      await expect(store.writeBlob(digest, 1, chunked(utf8('x')))).rejects.toMatchObject({
        code: 'malformed'
      });
    }
  );

  it('copies a blob from another store of its kind, and fails if that does not have it', async () => {
    const other = await open();
    const digest = await put(other, randomBytes(100_000));
    await store.copyBlob(other, digest, 100_000);
    expect(digestOf(await collect(store.readBlob(digest)))).toBe(digest);
    await expect(store.copyBlob(other, digestOf(randomBytes(8)), 8)).rejects.toMatchObject({
      code: 'image-unknown'
    });
  });

  it('does not show credentials in its location', () => {
    expect(store.location).not.toMatch(/horse|\bada\b/);
  });
}
