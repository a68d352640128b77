import { createHash } from 'node:crypto';
import { open, rm, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Decrypter } from 'age-encryption';
import type { RetryPolicy } from '@clean-room/node-support';
import { digestFromHash } from '@clean-room/protocol/bytes';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { FileKeyIdentity } from '@clean-room/protocol/sealing';
import { bodyOf, openExchange } from '../network/exchange.js';
import { TransientFailure, retryTransient } from '../network/retry.js';

const DOWNLOAD_RETRY: RetryPolicy = { totalMs: 1_800_000, firstDelayMs: 500, longestDelayMs: 30_000 };
/** A download that takes longer than a day has failed. */
const TIMEOUT_MS = 86_400_000;
/** Disk space that must remain free for the notebook and the machine. */
const SPARE_BYTES = 256 * 1024 ** 2;

/** Address, digest and key of a sealed asset. */
export interface SealedAsset {
  readonly url: string;
  /** Digest of the age file. */
  readonly digest: string;
  /** Length of the age file. */
  readonly bytes: number;
  readonly fileKey: Uint8Array;
}

/** Returns a stream of the bytes of `source`, and a function that returns their digest and length after the end. */
function digestStream(source: AsyncIterable<Uint8Array>): {
  stream: ReadableStream<Uint8Array>;
  result: () => { readonly digest: string; readonly bytes: number };
} {
  const hash = createHash('sha256');
  let bytes = 0;
  const iterator = source[Symbol.asyncIterator]();
  const stream = new ReadableStream<Uint8Array>({
    async pull(controller) {
      const next = await iterator.next();
      if (next.done === true) {
        controller.close();
        return;
      }
      hash.update(next.value);
      bytes += next.value.length;
      controller.enqueue(next.value);
    },
    async cancel() {
      await iterator.return?.();
    }
  });
  return { stream, result: () => ({ digest: digestFromHash(hash.digest()), bytes }) };
}

async function decryptTo(
  path: string,
  fileKey: Uint8Array,
  sealed: ReadableStream<Uint8Array>
): Promise<void> {
  const decrypter = new Decrypter();
  decrypter.addIdentity(new FileKeyIdentity(fileKey));
  // `wx` fails when the file exists, because the supervisor did not create it.
  const file = await open(path, 'wx', 0o644);
  try {
    const plain = await decrypter.decrypt(sealed);
    for await (const chunk of plain) await file.writeFile(chunk);
  } finally {
    await file.close();
  }
}

async function downloadOnce(asset: SealedAsset, path: string, signal?: AbortSignal): Promise<void> {
  await rm(path, { force: true });
  const response = await openExchange(
    { method: 'GET', url: asset.url, limit: asset.bytes, timeoutMs: TIMEOUT_MS, ...(signal && { signal }) },
    [200]
  );
  const { stream, result } = digestStream(bodyOf(response, asset.bytes));
  try {
    await decryptTo(path, asset.fileKey, stream);
  } catch (cause) {
    if (cause instanceof TransientFailure || cause instanceof CleanRoomError) throw cause;
    throw new CleanRoomError('key-release-refused', 'The released key does not open the sealed asset.', {
      cause
    });
  }
  const { digest, bytes } = result();
  if (digest !== asset.digest || bytes !== asset.bytes) {
    throw new CleanRoomError(
      'digest-mismatch',
      'The downloaded file is not the one that the asset version names.'
    );
  }
}

/**
 * Downloads a sealed asset and decrypts it to `path` as a stream, so that memory does not grow with its size. A file
 * that differs from the asset version is deleted before the notebook starts.
 *
 * @throws CleanRoomError `digest-mismatch`, `key-release-refused`, `too-large`, `unavailable`
 */
export async function openSealed(asset: SealedAsset, path: string, signal?: AbortSignal): Promise<void> {
  const { bavail, bsize } = await statfs(dirname(path));
  if (bavail * bsize < asset.bytes + SPARE_BYTES) {
    throw new CleanRoomError('too-large', 'The machine has too little disk space for the data.');
  }
  try {
    await retryTransient(
      DOWNLOAD_RETRY,
      () => downloadOnce(asset, path, signal),
      cause =>
        new CleanRoomError('unavailable', 'The sealed data could not be downloaded in time.', { cause }),
      signal
    );
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  }
}
