import type { Bucket, BucketMetadata, File, Storage } from '@google-cloud/storage';
import { Writable, type Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { asDigest, digestOf, type Digest } from '@clean-room/protocol/bytes';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { requireBucketSettings } from './google-bucket.js';
import { hasStatus } from './google-errors.js';
import { limited } from './google-limit.js';
import { requireSigning, SignedTransfers, type Signing } from './google-transfers.js';
import { beyondEnd, notStored, Verification, type ObjectStore, type StoredObject } from './store.js';
import type { ObjectTransfers } from './transfers.js';

/**
 * Number of bytes that are kept in memory during an upload. After a broken connection the upload continues from the last
 * chunk. Must be a multiple of 256 KiB.
 */
const CHUNK_BYTES = 8 * 1024 * 1024;

/** Digest of an empty file, such as many `__init__.py` files. */
const EMPTY = digestOf(new Uint8Array());

/**
 * Stores objects in a bucket of Google Cloud Storage. An upload is completed only after its digest has been verified, so
 * wrong bytes never become an object. `ifGenerationMatch: 0` writes each object once and makes retries safe.
 */
export class GoogleCloudStorage implements ObjectStore {
  readonly #bucket: Bucket;
  readonly #prefix: string;
  readonly #signing: Signing;

  /**
   * Creates a store; nothing is sent yet.
   *
   * @param prefix - beginning of every object's name, for example `objects/`
   * @param signing - how addresses for other programs are signed: by default with the key of the credentials, or by the IAM
   * Credentials API if they have none
   */
  constructor(storage: Storage, bucket: string, prefix = '', signing: Signing = {}) {
    this.#bucket = storage.bucket(bucket);
    this.#prefix = prefix;
    this.#signing = signing;
  }

  #file(digest: Digest): File {
    const hex = asDigest(digest).slice('sha256:'.length);
    return this.#bucket.file(`${this.#prefix}sha256/${hex.slice(0, 2)}/${hex.slice(2)}`);
  }

  /** Other programs transfer objects at signed addresses of the bucket, so none of their bytes pass through this server. */
  transfers(): ObjectTransfers {
    const file = (digest: Digest): File => this.#file(digest);
    return new SignedTransfers(this.#bucket, `${this.#prefix}uploads/`, file, this.#signing);
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

  async get(digest: Digest, first = 0): Promise<StoredObject> {
    const bytes = await this.size(digest);
    if (bytes === undefined) throw notStored(digest);
    if (first > 0 && first >= bytes) throw beyondEnd(digest);
    // The checksum is of the whole object, so only a whole download can be checked with it. Readers check the digest.
    const range =
      first === 0 ? { validation: 'crc32c' as const } : { validation: false as const, start: first };
    return { bytes, stream: this.#file(digest).createReadStream({ ...range, decompress: false }) };
  }

  async size(digest: Digest): Promise<number | undefined> {
    try {
      const [metadata] = await limited(() => this.#file(digest).getMetadata());
      return Number(metadata.size);
    } catch (error) {
      if (hasStatus(error, 404)) return undefined;
      throw error;
    }
  }

  async delete(digest: Digest): Promise<void> {
    await limited(() => this.#file(digest).delete({ ignoreNotFound: true }));
  }

  async ping(): Promise<void> {
    await limited(() => this.#bucket.getMetadata());
  }

  /**
   * Checks that the bucket exists and that its settings are safe.
   *
   * @throws CleanRoomError `not-found`, `forbidden` with the command that corrects the settings
   */
  async requireSettings(): Promise<void> {
    const { name } = this.#bucket;
    let metadata: BucketMetadata;
    try {
      [metadata] = await limited(() => this.#bucket.getMetadata());
    } catch (cause) {
      if (hasStatus(cause, 404)) {
        throw new CleanRoomError('not-found', `The bucket gs://${name} does not exist.`, {
          remedy: 'Create it, or correct "objects" in the configuration.',
          cause
        });
      }
      if (hasStatus(cause, 401) || hasStatus(cause, 403)) {
        throw new CleanRoomError('forbidden', `This server may not use the bucket gs://${name}.`, {
          remedy:
            'Give its service account the roles roles/storage.objectUser and roles/storage.legacyBucketReader on the bucket.',
          cause
        });
      }
      throw cause;
    }
    requireBucketSettings(name, `${this.#prefix}sha256/`, metadata);
  }

  /**
   * Checks that addresses of the bucket can be signed.
   *
   * @throws CleanRoomError `forbidden`
   */
  requireSigning(): Promise<void> {
    return requireSigning(this.#bucket, this.#signing);
  }
}
