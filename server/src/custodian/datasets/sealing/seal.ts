import { Encrypter } from 'age-encryption';
import { createHash, randomUUID } from 'node:crypto';
import { open, unlink } from 'node:fs/promises';
import path from 'node:path';
import type { Digest } from '@clean-room/protocol/bytes';
import type { Recipient } from '@clean-room/protocol/documents';

export interface SealedFile {
  readonly file: string;
  readonly digest: Digest;
  readonly bytes: number;
}

function streamOf(source: AsyncIterable<Uint8Array>): ReadableStream<Uint8Array> {
  const iterator = source[Symbol.asyncIterator]();
  return new ReadableStream({
    async pull(controller) {
      const { value, done } = await iterator.next();
      if (done === true) controller.close();
      else controller.enqueue(value);
    },
    async cancel() {
      await iterator.return?.();
    }
  });
}

/**
 * Seals what `source` gives and writes only the sealed bytes: what is open never touches the disk. The file is there
 * once all of it is on disk; a failure leaves nothing.
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
