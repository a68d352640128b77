import type { Bucket, File, GetSignedUrlConfig } from '@google-cloud/storage';
import { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { asDigest, type Digest } from '@clean-room/protocol/bytes';
import { toTimestamp } from '@clean-room/protocol/documents';
import { CleanRoomError, isCleanRoomError } from '@clean-room/protocol/errors';
import type { TransferAddress, TransferHeaders } from '@clean-room/protocol/jobs';
import { requireAnswer } from '../answer.js';
import { hasStatus } from './google-errors.js';
import { limited } from './google-limit.js';
import { Verification } from './store.js';
import type { ObjectTransfers, Transfer } from './transfers.js';

/**
 * Uploads up to this size are made in one request, whose SHA-256 Google checks. Larger ones can be resumed; Google then checks
 * nothing but their existence.
 */
const SINGLE_REQUEST_BYTES = 8 * 1024 * 1024;

/** The way in which addresses are signed. */
export interface Signing {
  /** Address of the IAM Credentials API; default is Google's. */
  readonly endpoint?: string;
}

type SignedAction = Pick<GetSignedUrlConfig, 'action' | 'extensionHeaders' | 'contentType' | 'expires'>;

/** Longest time to wait for a signature. Google's library has no limit of its own, and a supervisor is waiting. */
const SIGNATURE_MS = 10_000;

async function sign(file: File, action: SignedAction, { endpoint }: Signing): Promise<string> {
  const [url] = await requireAnswer(
    'The service that signs addresses of objects',
    'Try again. If it fails again, the operator finds the reason in the log of this server.',
    async () =>
      file.getSignedUrl({
        ...action,
        version: 'v4',
        ...(endpoint === undefined ? {} : { signingEndpoint: endpoint })
      }),
    SIGNATURE_MS
  );
  return url;
}

/**
 * Checks that this server can sign addresses of a bucket.
 *
 * @throws CleanRoomError `forbidden`
 */
export async function requireSigning(bucket: Bucket, signing: Signing): Promise<void> {
  const expires = Date.now() + 60_000;
  await sign(bucket.file('start'), { action: 'read', expires }, signing).catch((cause: unknown) => {
    throw new CleanRoomError(
      'forbidden',
      `This server cannot sign addresses of the bucket gs://${bucket.name}, at which runs transfer their data.`,
      {
        remedy:
          'Run it with a service account, enable the IAM Service Account Credentials API, and give the account roles/iam.serviceAccountTokenCreator on itself.',
        cause
      }
    );
  });
}

/**
 * Transfers at signed V4 addresses of Google Cloud Storage. The holder of an upload address can write one new object of the
 * owner's folder, and nothing under a digest: the bytes become an object after their length and digest were verified.
 */
export class SignedTransfers implements ObjectTransfers {
  readonly #bucket: Bucket;
  readonly #folder: string;
  readonly #object: (digest: Digest) => File;
  readonly #signing: Signing;

  /**
   * Creates the transfers of a store.
   *
   * @param folder - beginning of the names of uploads
   * @param object - returns the file of an object
   */
  constructor(bucket: Bucket, folder: string, object: (digest: Digest) => File, signing: Signing) {
    this.#bucket = bucket;
    this.#folder = folder;
    this.#object = object;
    this.#signing = signing;
  }

  #uploadName({ owner, digest }: Transfer): string {
    if (!/^[A-Za-z0-9]+$/.test(owner)) throw new Error('the owner of an upload has an invalid name');
    return `${this.#folder}${owner}/${asDigest(digest).slice('sha256:'.length)}`;
  }

  async download({ digest }: Transfer, expires: Date): Promise<TransferAddress> {
    const url = await sign(this.#object(digest), { action: 'read', expires }, this.#signing);
    return { method: 'GET', url, headers: {}, expires: toTimestamp(expires) };
  }

  async upload(transfer: Transfer, expires: Date): Promise<TransferAddress> {
    const { digest, bytes } = transfer;
    const contentType = 'application/octet-stream';
    const once = { 'x-goog-if-generation-match': '0' } as const;
    const isSingle = bytes <= SINGLE_REQUEST_BYTES;
    const extensionHeaders: TransferHeaders = isSingle
      ? {
          ...once,
          'x-goog-content-length-range': `${bytes},${bytes}`,
          'x-goog-content-sha256': asDigest(digest).slice('sha256:'.length)
        }
      : { ...once, 'x-goog-resumable': 'start' };
    const action = isSingle ? 'write' : 'resumable';
    const file = this.#bucket.file(this.#uploadName(transfer));
    const url = await sign(file, { action, expires, contentType, extensionHeaders }, this.#signing);
    return {
      method: isSingle ? 'PUT' : 'POST',
      url,
      headers: { 'content-type': contentType, ...extensionHeaders },
      expires: toTimestamp(expires)
    };
  }

  async accept(transfer: Transfer): Promise<void> {
    const name = this.#uploadName(transfer);
    const [metadata] = await limited(() => this.#bucket.file(name).getMetadata()).catch((cause: unknown) => {
      if (!hasStatus(cause, 404)) throw cause;
      throw new CleanRoomError('not-found', `The object ${transfer.digest} was not uploaded.`, { cause });
    });
    // Everything below concerns exactly the generation whose bytes are verified.
    const uploaded = this.#bucket.file(name, { generation: String(metadata.generation) });
    try {
      await verify(uploaded, Number(metadata.size), transfer);
    } catch (error) {
      if (isCleanRoomError(error, 'digest-mismatch'))
        await limited(() => uploaded.delete({ ignoreNotFound: true }));
      throw error;
    }
    try {
      const target = this.#object(transfer.digest);
      await limited(() => uploaded.copy(target, { preconditionOpts: { ifGenerationMatch: 0 } }));
    } catch (error) {
      // 412: the object is stored already.
      if (!hasStatus(error, 412)) throw error;
    }
  }

  async discard(owner: string): Promise<void> {
    const [files] = await limited(() => this.#bucket.getFiles({ prefix: `${this.#folder}${owner}/` }));
    for (const file of files) await limited(() => file.delete({ ignoreNotFound: true }));
  }
}

/** Checks length and digest of an upload. */
async function verify(file: File, size: number, { digest, bytes }: Transfer): Promise<void> {
  if (size !== bytes) {
    throw new CleanRoomError('digest-mismatch', `The upload has ${size} bytes, not ${bytes}.`);
  }
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const content = file.createReadStream({ validation: false, decompress: false });
  await pipeline(content, new Verification(digest, bytes), nowhere);
}
