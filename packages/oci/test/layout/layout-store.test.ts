import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { digestOf, utf8 } from '@clean-room/protocol/bytes';
import { LayoutStore } from '../../src/layout/layout-store.js';
import { storeContract } from '../support/store-contract.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'layout-'));
});
afterEach(() => rm(folder, { recursive: true }));

async function* chunksOf(...texts: string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield utf8(text);
}

async function textOf(chunks: AsyncIterable<Uint8Array>): Promise<string> {
  let text = '';
  for await (const chunk of chunks) text += Buffer.from(chunk).toString();
  return text;
}

async function indexedManifests(): Promise<unknown[]> {
  const index = JSON.parse(await readFile(join(folder, 'index.json'), 'utf8')) as { manifests: unknown[] };
  return index.manifests;
}

const digest = digestOf(utf8('hello world'));

describe('a layout folder as an image store', () => {
  let count = 0;
  storeContract(() => LayoutStore.open(join(folder, `store-${count++}`)));
});

describe('a layout folder', () => {
  it('returns a stored blob by its digest', async () => {
    const store = await LayoutStore.open(folder);
    await store.writeBlob(digest, 11, () => chunksOf('hello ', 'world'));
    expect(await store.hasBlob(digest)).toBe(true);
    expect(await textOf(store.readBlob(digest))).toBe('hello world');
  });

  it('stores nothing of a blob with a wrong digest or size', async () => {
    const store = await LayoutStore.open(folder);
    await expect(store.writeBlob(digest, 11, () => chunksOf('hello', ' World'))).rejects.toMatchObject({
      code: 'digest-mismatch'
    });
    await expect(store.writeBlob(digest, 12, () => chunksOf('hello world'))).rejects.toMatchObject({
      code: 'digest-mismatch'
    });
    expect(await store.hasBlob(digest)).toBe(false);
    expect(await readdir(join(folder, 'blobs/sha256'))).toEqual([]);
  });

  it('detects a blob that was changed on disk', async () => {
    const store = await LayoutStore.open(folder);
    await store.writeBlob(digest, 11, () => chunksOf('hello world'));
    await writeFile(store.blobPath(digest), 'hello w0rld');
    await expect(textOf(store.readBlob(digest))).rejects.toMatchObject({ code: 'digest-mismatch' });
  });

  it('refuses to read a blob that it does not contain', async () => {
    const store = await LayoutStore.open(folder);
    await expect(textOf(store.readBlob(digest))).rejects.toMatchObject({ code: 'image-unknown' });
  });

  it('keeps every entry of the index when several stores write concurrently', async () => {
    const stores = await Promise.all(Array.from({ length: 4 }, () => LayoutStore.open(folder)));
    const names = Array.from({ length: 20 }, (_, index) => `revision-${index}`);
    await Promise.all(
      names.map((name, index) => stores[index % 4]!.writeManifest(utf8(`{"n":${index}}`), name))
    );
    for (const [index, name] of names.entries()) {
      expect(await stores[0]!.resolve(name)).toBe(digestOf(utf8(`{"n":${index}}`)));
    }
    expect(await indexedManifests()).toHaveLength(20);
  });

  it('lists only manifests with a tag in the index', async () => {
    const store = await LayoutStore.open(folder);
    await store.writeManifest(utf8('{"n":1}'), 'kernel');
    const unnamed = await store.writeManifest(utf8('{"n":2}'));
    expect(await indexedManifests()).toHaveLength(1);
    expect(await store.hasManifest(unnamed)).toBe(true);
  });

  it('resolves a tag to the newest manifest with this tag', async () => {
    const store = await LayoutStore.open(folder);
    await store.writeManifest(utf8('{"n":1}'), 'kernel');
    const newer = await store.writeManifest(utf8('{"n":2}'), 'kernel');
    expect(await store.resolve('kernel')).toBe(newer);
    expect(await store.resolve('other')).toBeUndefined();
  });

  it('copies a blob from another layout folder', async () => {
    const other = await LayoutStore.open(join(folder, 'other'));
    const store = await LayoutStore.open(join(folder, 'store'));
    await other.writeBlob(digest, 11, () => chunksOf('hello world'));
    await store.copyBlob(other, digest, 11);
    expect(await textOf(store.readBlob(digest))).toBe('hello world');
  });
});
