import type { Bucket, File, Storage } from '@google-cloud/storage';
import { Writable, type Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { asDigest, digestOf, type Digest } from '@clean-room/protocol/bytes';
import { notStored, Verification, type ObjectStore, type StoredObject } from './store.js';

/** Bytes held in memory while uploading; a broken connection goes on from the last chunk. A multiple of 256 KiB. */
const CHUNK_BYTES = 8 * 1024 * 1024;

/** Nothing at all: an empty `__init__.py`, most often. */
const EMPTY = digestOf(new Uint8Array());

function hasStatus(error: unknown, status: number): boolean {
  const { code } = error as { code?: unknown };
  return Number(code) === status;
}

/**
 * Objects in a Google Cloud Storage bucket. An upload is finished, and so comes to be, only after its digest was found
 * right; `ifGenerationMatch: 0` writes each object once and makes retries safe.
 */
export class GoogleCloudStorage implements ObjectStore {
  readonly #bucket: Bucket;
  readonly #prefix: string;

  /** @param prefix put before every name, e.g. `objects/` */
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
      // The client gives the range of a chunked upload of nothing as `0--1`, which no server takes.
      ...(digest === EMPTY ? { resumable: false } : { resumable: true, chunkSize: CHUNK_BYTES })
    });
    try {
      await pipeline(source, verification, upload);
    } catch (error) {
      // Another put of the same bytes was faster. Ours were read to their end only if the check had its say.
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
