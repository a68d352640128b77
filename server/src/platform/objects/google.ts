import type { Bucket, File, Storage } from '@google-cloud/storage';
import { Writable, type Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { asDigest, digestOf, type Digest } from '@clean-room/protocol/bytes';
import { notStored, Verification, type ObjectStore, type StoredObject } from './store.js';

/**
 * Number of bytes that are kept in memory during an upload. After a broken connection the upload continues from the last
 * chunk. Must be a multiple of 256 KiB.
 */
const CHUNK_BYTES = 8 * 1024 * 1024;

/** Digest of an empty file, such as many `__init__.py` files. */
const EMPTY = digestOf(new Uint8Array());

function hasStatus(error: unknown, status: number): boolean {
  const { code } = error as { code?: unknown };
  return Number(code) === status;
}

/**
 * Stores objects in a bucket of Google Cloud Storage. An upload is completed only after its digest has been verified, so
 * wrong bytes never become an object. `ifGenerationMatch: 0` writes each object once and makes retries safe.
 */
export class GoogleCloudStorage implements ObjectStore {
  readonly #bucket: Bucket;
  readonly #prefix: string;

  /**
   * Creates a store; nothing is sent yet.
   *
   * @param prefix - beginning of every object's name, for example `objects/`
   */
  constructor(storage: Storage, bucket: string, prefix = '') {
    this.#bucket = storage.bucket(bucket);
    this.#prefix = prefix;
  }

  #file(digest: Digest): File {
    const hex = asDigest(digest).slice('sha256:'.length);
    return this.#bucket.file(`${this.#prefix}sha256/${hex.slice(0, 2)}/${hex.slice(2)}`);
  }

  async put(digest: Digest, source: Readable, limit: number): Promise<number> {
    const verification = new Verification(digest, limit);
    if ((await this.size(digest)) !== undefined) {
      await pipeline(source, verification, new Writable({ write: (_chunk, _encoding, done) => done() }));
      return verification.bytes;
    }
    const upload = this.#file(digest).createWriteStream({
      validation: 'crc32c',
      contentType: 'application/octet-stream',
      preconditionOpts: { ifGenerationMatch: 0 },
      // For an empty object, the client library would send the invalid range `0--1`, which servers refuse.
      ...(digest === EMPTY ? { resumable: false } : { resumable: true, chunkSize: CHUNK_BYTES })
    });
    try {
      await pipeline(source, verification, upload);
    } catch (error) {
      // 412: another upload of the same bytes was faster. `readableEnded` shows that our own bytes passed the check too.
      if (!hasStatus(error, 412) || !verification.readableEnded) throw error;
    }
    return verification.bytes;
  }

  async get(digest: Digest): Promise<StoredObject> {
    const bytes = await this.size(digest);
    if (bytes === undefined) throw notStored(digest);
    return {
      bytes,
      stream: this.#file(digest).createReadStream({ validation: 'crc32c', decompress: false })
    };
  }

  async size(digest: Digest): Promise<number | undefined> {
    try {
      const [metadata] = await this.#file(digest).getMetadata();
      return Number(metadata.size);
    } catch (error) {
      if (hasStatus(error, 404)) return undefined;
      throw error;
    }
  }

  async delete(digest: Digest): Promise<void> {
    await this.#file(digest).delete({ ignoreNotFound: true });
  }

  async ping(): Promise<void> {
    await this.#bucket.getMetadata();
  }
}
