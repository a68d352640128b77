import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Storage } from '@google-cloud/storage';
import { createHash, randomBytes } from 'node:crypto';
import { lutimes, mkdtemp, readdir, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { digestOf, utf8, type Digest } from '@clean-room/protocol/bytes';
import { GoogleCloudStorage } from '../../../src/platform/objects/google.js';
import { FolderStore } from '../../../src/platform/objects/folder.js';
import { openObjectStore } from '../../../src/platform/objects/open.js';
import type { ObjectStore } from '../../../src/platform/objects/store.js';
import { BUCKET, FakeCloud } from '../../cloud/cloud.js';
import { cloudObjects } from '../../support/cloud-objects.js';
import { isFakeGcsServerInstalled, startFakeGcsServer } from '../../support/fake-gcs-server.js';

const LIMIT = 64 * 1024 * 1024;

interface Opened {
  readonly store: ObjectStore;
  /** Returns the number of stored objects, including incomplete ones. */
  stored(): Promise<number>;
  close(): Promise<void>;
}

async function folder(): Promise<Opened> {
  const root = await mkdtemp(path.join(tmpdir(), 'clean-room-objects-'));
  return {
    store: await FolderStore.open(root),
    stored: async () =>
      (await readdir(root, { recursive: true })).filter(name => /[0-9a-f]{62}$/.test(name)).length,
    close: () => rm(root, { recursive: true })
  };
}

async function google(): Promise<Opened & { cloud: FakeCloud }> {
  const cloud = await FakeCloud.start();
  return {
    cloud,
    store: cloudObjects(cloud, { retryOptions: { retryDelayMultiplier: 1.1 } }),
    stored: async () => cloud.buckets.get(BUCKET)!.list().length,
    close: () => cloud.stop()
  };
}

async function independent(): Promise<Opened> {
  const server = await startFakeGcsServer(BUCKET);
  const storage = new Storage({ apiEndpoint: server.url, projectId: 'clean-room-test' });
  const bucket = storage.bucket(BUCKET);
  return {
    store: new GoogleCloudStorage(storage, BUCKET, 'objects/'),
    stored: async () => (await bucket.getFiles())[0].length,
    close: () => server.stop()
  };
}

function streamOf(bytes: Uint8Array, piece = 65_536): Readable {
  return Readable.from(
    (function* () {
      for (let at = 0; at < bytes.length; at += piece) yield Buffer.from(bytes.subarray(at, at + piece));
    })()
  );
}

async function bytesOf(store: ObjectStore, digest: Digest): Promise<Buffer> {
  const { stream } = await store.get(digest);
  const parts: Buffer[] = [];
  for await (const part of stream) parts.push(part as Buffer);
  return Buffer.concat(parts);
}

const put = (store: ObjectStore, bytes: Uint8Array, limit = LIMIT): Promise<number> =>
  store.put(digestOf(bytes), streamOf(bytes), limit);

const IMPLEMENTATIONS: [string, () => Promise<Opened>][] = [
  ['a folder', folder],
  ['Google Cloud Storage', google]
];
if (isFakeGcsServerInstalled()) IMPLEMENTATIONS.push(['fake-gcs-server', independent]);

describe.each(IMPLEMENTATIONS)('an object store in %s', (_name, open) => {
  let opened: Opened;
  let store: ObjectStore;
  beforeAll(async () => {
    opened = await open();
    ({ store } = opened);
  });
  afterAll(() => opened.close());

  test.each([0, 1, 65_536, 8 * 1024 * 1024, 20 * 1024 * 1024 + 3])(
    'returns %i bytes unchanged',
    async length => {
      const bytes = randomBytes(length);
      expect(await put(store, bytes)).toBe(length);
      expect(await store.size(digestOf(bytes))).toBe(length);
      expect((await store.get(digestOf(bytes))).bytes).toBe(length);
      expect((await bytesOf(store, digestOf(bytes))).equals(bytes)).toBe(true);
    },
    60_000
  );

  test('stores nothing when the bytes do not have the digest', async () => {
    const before = await opened.stored();
    const digest = digestOf(utf8('expected'));
    await expect(store.put(digest, streamOf(randomBytes(9 * 1024 * 1024)), LIMIT)).rejects.toMatchObject({
      code: 'digest-mismatch'
    });
    expect(await store.size(digest)).toBeUndefined();
    expect(await opened.stored()).toBe(before);
  }, 60_000);

  test('stores nothing when the source breaks off', async () => {
    const digest = digestOf(utf8('incomplete'));
    const broken = Readable.from(
      (async function* () {
        yield Buffer.alloc(1000);
        throw new Error('connection lost');
      })()
    );
    await expect(store.put(digest, broken, LIMIT)).rejects.toThrow('connection lost');
    expect(await store.size(digest)).toBeUndefined();
  });

  test('stores nothing beyond the limit', async () => {
    const bytes = randomBytes(100_000);
    await expect(put(store, bytes, 99_999)).rejects.toMatchObject({ code: 'too-large' });
    expect(await store.size(digestOf(bytes))).toBeUndefined();
    expect(await put(store, bytes, 100_000)).toBe(100_000);
  });

  test('checks the bytes of an object that is already stored', async () => {
    const bytes = randomBytes(5000);
    await put(store, bytes);
    await expect(store.put(digestOf(bytes), streamOf(randomBytes(5000)), LIMIT)).rejects.toMatchObject({
      code: 'digest-mismatch'
    });
    expect(await put(store, bytes)).toBe(5000);
    expect((await bytesOf(store, digestOf(bytes))).equals(bytes)).toBe(true);
  });

  test('accepts the same object from two callers at the same time', async () => {
    const bytes = randomBytes(9 * 1024 * 1024);
    expect(await Promise.all([put(store, bytes), put(store, bytes)])).toEqual([bytes.length, bytes.length]);
    expect((await bytesOf(store, digestOf(bytes))).equals(bytes)).toBe(true);
  }, 60_000);

  test('reports missing objects, and deletes an object twice without an error', async () => {
    const bytes = randomBytes(10);
    await expect(store.get(digestOf(bytes))).rejects.toMatchObject({ code: 'not-found' });
    expect(await store.size(digestOf(bytes))).toBeUndefined();
    await put(store, bytes);
    await store.delete(digestOf(bytes));
    await store.delete(digestOf(bytes));
    expect(await store.size(digestOf(bytes))).toBeUndefined();
  });

  test.each(['sha256:../../etc/passwd', 'sha256:', `sha512:${'0'.repeat(64)}`, `sha256:${'A'.repeat(64)}`])(
    'refuses the invalid digest %s',
    async name => {
      await expect(store.get(name as Digest)).rejects.toMatchObject({ code: 'malformed' });
    }
  );

  test('answers a ping', async () => {
    await store.ping();
  });
});

test('a folder deletes the unfinished files of a process that died, and only those', async () => {
  const root = await mkdtemp(path.join(tmpdir(), 'clean-room-objects-'));
  const old = new Date(Date.now() - 2 * 3_600_000);
  const incoming = path.join(root, 'incoming');
  await FolderStore.open(root);
  await writeFile(path.join(incoming, 'left'), 'half');
  await utimes(path.join(incoming, 'left'), old, old);
  await symlink('/nowhere', path.join(incoming, 'link'));
  await lutimes(path.join(incoming, 'link'), old, old);
  await writeFile(path.join(incoming, 'of another process'), 'half');
  await FolderStore.open(root);
  expect(await readdir(incoming)).toEqual(['of another process']);
  await rm(root, { recursive: true });
});

test('an upload to Google Cloud Storage continues after a failed chunk', async () => {
  const opened = await google();
  const { cloud, store } = opened;
  cloud.faults.plan({ call: 'storage.objects.insert', fault: { kind: 'status', code: 503 }, skip: 2 });
  const bytes = randomBytes(20 * 1024 * 1024);
  expect(await put(store, bytes)).toBe(bytes.length);
  const [stored] = cloud.buckets.get(BUCKET)!.list();
  expect(createHash('sha256').update(stored!.bytes).digest('hex')).toBe(digestOf(bytes).slice(7));
  expect(stored!.name).toMatch(/^objects\/sha256\/[0-9a-f]{2}\/[0-9a-f]{62}$/);
  await opened.close();
}, 60_000);

test('the address of an unknown kind of store is refused', async () => {
  await expect(openObjectStore('s3://bucket')).rejects.toMatchObject({ code: 'malformed' });
});
