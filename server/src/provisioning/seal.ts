import { Encrypter } from 'age-encryption';
import { createHash, randomUUID } from 'node:crypto';
import { open, unlink } from 'node:fs/promises';
import path from 'node:path';
import type { Digest } from '@clean-room/protocol/bytes';
import type { Recipient } from '@clean-room/protocol/documents';

/** An age file on disk. */
export interface SealedFile {
  readonly file: string;
  readonly digest: Digest;
  readonly bytes: number;
}

function streamOf(source: AsyncIterable<Uint8Array>): ReadableStream<Uint8Array> {
  const iterator = source[Symbol.asyncIterator]();
  return new ReadableStream({
    async pull(controller) {
      const next = await iterator.next();
      if (next.done === true) controller.close();
      else controller.enqueue(next.value);
    },
    async cancel() {
      await iterator.return?.();
    }
  });
}

/**
 * Seals a stream of bytes to a file. Only sealed bytes are written to disk. The function returns when all of them are on
 * disk, and removes the file after a failure.
 *
 * @param folder - the folder in which the file is created, under a random name
 */
export async function sealToFile(
  source: AsyncIterable<Uint8Array>,
  to: Recipient,
  folder: string
): Promise<SealedFile> {
  const file = path.join(folder, `${randomUUID()}.age`);
  const encrypter = new Encrypter();
  encrypter.addRecipient(to);
  const handle = await open(file, 'wx', 0o600);
  const hash = createHash('sha256');
  let bytes = 0;
  try {
    const sealed = await encrypter.encrypt(streamOf(source));
    const reader = sealed.getReader();
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      hash.update(part.value);
      bytes += part.value.length;
      await handle.write(part.value);
    }
    await handle.sync();
  } catch (error) {
    await handle.close();
    await unlink(file);
    throw error;
  }
  await handle.close();
  return { file, digest: `sha256:${hash.digest('hex')}`, bytes };
}
