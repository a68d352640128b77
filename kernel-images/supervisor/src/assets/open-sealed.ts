import { createHash } from 'node:crypto';
import { open, rm, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Decrypter } from 'age-encryption';
import { digestFromHash } from '@clean-room/protocol/bytes';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { FileKeyIdentity } from '@clean-room/protocol/sealing';
import { bodyOf, openExchange } from '../network/exchange.js';
import { TransientFailure, retry, type RetryPolicy } from '../network/retry.js';

const PATIENCE: RetryPolicy = { totalMs: 1_800_000, firstDelayMs: 500, longestDelayMs: 30_000 };
/** A download that takes longer than a day is no download. */
const TIMEOUT_MS = 86_400_000;
/** Kept free beside the data, for the notebook and the machine. */
const SPARE_BYTES = 256 * 1024 ** 2;

export interface SealedAsset {
  readonly url: string;
  /** Of the age file. */
  readonly digest: string;
  readonly bytes: number;
  readonly fileKey: Uint8Array;
}

interface Counted {
  readonly digest: string;
  readonly bytes: number;
}

/** Passes bytes on and tells in the end what they were. */
function counting(source: AsyncIterable<Uint8Array>): {
  stream: ReadableStream<Uint8Array>;
  counted: () => Counted;
} {
  const hash = createHash('sha256');
  let bytes = 0;
  const iterator = source[Symbol.asyncIterator]();
  const stream = new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { done, value } = await iterator.next();
      if (done === true) return controller.close();
      hash.update(value);
      bytes += value.length;
      controller.enqueue(value);
    },
    async cancel() {
      await iterator.return?.();
    }
  });
  return { stream, counted: () => ({ digest: digestFromHash(hash.digest()), bytes }) };
}

async function decryptTo(
  path: string,
  fileKey: Uint8Array,
  sealed: ReadableStream<Uint8Array>
): Promise<void> {
  const decrypter = new Decrypter();
  decrypter.addIdentity(new FileKeyIdentity(fileKey));
  // `wx`: a file that is there already was not made by us.
  const file = await open(path, 'wx', 0o644);
  try {
    const plain = await decrypter.decrypt(sealed);
    for await (const chunk of plain) await file.writeFile(chunk);
  } finally {
    await file.close();
  }
}

async function attempt(asset: SealedAsset, path: string, signal?: AbortSignal): Promise<void> {
  await rm(path, { force: true });
  const response = await openExchange(
    { method: 'GET', url: asset.url, limit: asset.bytes, timeoutMs: TIMEOUT_MS, ...(signal && { signal }) },
    [200]
  );
  const { stream, counted } = counting(bodyOf(response, asset.bytes));
  try {
    await decryptTo(path, asset.fileKey, stream);
  } catch (cause) {
    if (cause instanceof TransientFailure || cause instanceof CleanRoomError) throw cause;
    throw new CleanRoomError('key-release-refused', 'The released key does not open the sealed asset.', {
      cause
    });
  }
  const { digest, bytes } = counted();
  if (digest !== asset.digest || bytes !== asset.bytes) {
    throw new CleanRoomError(
      'digest-mismatch',
      'The sealed bytes are not the ones that the asset version names.'
    );
  }
}

/**
 * Downloads a sealed asset, decrypts it on the way with memory for some chunks, and writes it to `path`. What turns out
 * to be another file is gone again before anyone could read it.
 * @throws CleanRoomError `digest-mismatch`, `key-release-refused`, `too-large`, `unavailable`
 */
export async function openSealed(asset: SealedAsset, path: string, signal?: AbortSignal): Promise<void> {
  const { bavail, bsize } = await statfs(dirname(path));
  if (bavail * bsize < asset.bytes + SPARE_BYTES) {
    throw new CleanRoomError('too-large', 'The machine’s disk is too small for the data.');
  }
  try {
    await retry(
      PATIENCE,
      () => attempt(asset, path, signal),
      cause => new CleanRoomError('unavailable', 'The sealed data could not be fetched in time.', { cause }),
      signal
    );
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  }
}
