import { createHash, randomUUID } from 'node:crypto';
import { mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { digestFromHash, type Digest } from '@clean-room/protocol/bytes';
import { writeTar, type FileTree } from '../tree/index.js';

/** A layer that lies in an OCI layout. Uncompressed, so its digest is its diff id too. */
export interface Layer {
  readonly digest: Digest;
  readonly size: number;
  /** One line for the image's history. */
  readonly title: string;
}

export function blobPath(layout: string, digest: Digest): string {
  return join(layout, 'blobs', 'sha256', digest.slice('sha256:'.length));
}

export async function holdsLayer(layout: string, { digest, size }: Layer): Promise<boolean> {
  return stat(blobPath(layout, digest)).then(
    found => found.size === size,
    () => false
  );
}

/** Streams bytes into the layout under their digest. */
export async function putBlob(
  layout: string,
  bytes: AsyncIterable<Uint8Array> | Iterable<Uint8Array>
): Promise<{ digest: Digest; size: number }> {
  const incoming = join(layout, 'blobs', `incoming-${randomUUID()}`);
  await mkdir(join(layout, 'blobs', 'sha256'), { recursive: true });
  const hash = createHash('sha256');
  let size = 0;
  const file = await open(incoming, 'wx');
  try {
    for await (const chunk of bytes) {
      hash.update(chunk);
      size += chunk.length;
      await file.writeFile(chunk);
    }
    await file.sync();
    await file.close();
    const digest = digestFromHash(hash.digest());
    const target = blobPath(layout, digest);
    await mkdir(dirname(target), { recursive: true });
    await rename(incoming, target);
    return { digest, size };
  } catch (error) {
    await file.close().catch(() => undefined);
    await rm(incoming, { force: true });
    throw error;
  }
}

export async function writeLayer(tree: FileTree, layout: string, title: string): Promise<Layer> {
  return { ...(await putBlob(layout, writeTar(tree))), title };
}
