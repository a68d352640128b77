import { createHash } from 'node:crypto';
import { open, rm, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Decrypter } from 'age-encryption';
import { digestFromHash } from '@clean-room/protocol/bytes';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { FileKeyIdentity } from '@clean-room/protocol/sealing';
import { downloadSealed, type SealedSource } from './sealed-download.js';

/** Disk space that must remain free for the notebook and the machine. */
const SPARE_BYTES = 256 * 1024 ** 2;

/** A sealed asset with its digest and key. */
export interface SealedAsset extends SealedSource {
  /** Digest of the age file. */
  readonly digest: string;
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

async function downloadTo(path: string, asset: SealedAsset, signal?: AbortSignal): Promise<void> {
  const { stream, result } = digestStream(downloadSealed(asset, signal));
  try {
    await decryptTo(path, asset.fileKey, stream);
  } catch (cause) {
    signal?.throwIfAborted();
    if (cause instanceof CleanRoomError) throw cause;
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
    await downloadTo(path, asset, signal);
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  }
}
