import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { exists } from '@clean-room/node-support';
import type { ImageStore } from '@clean-room/oci';
import { digestFromHash, labelledHash, utf8, type Digest } from '@clean-room/protocol/bytes';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { extract } from 'tar-stream';
import { withFileLock } from './file-lock.js';
import { LayerTree, NeedsLayersBelow } from './layer-tree.js';
import { removeTree } from './remove-tree.js';
import { TOOL_PATH } from './tools.js';

/**
 * A cache of unpacked layers by digest, shared by all images and runs. A kernel image is unpacked once and used by all images
 * that are based on it. Unpacked layers are never written to again.
 */
export class UnpackedLayers {
  /** Each user has a folder, because layers that root unpacks have owners and devices and those of other users do not. */
  private readonly folder: string;

  constructor(cacheFolder: string) {
    this.folder = join(cacheFolder, `layers-of-${process.getuid?.() ?? 'user'}`);
  }

  /**
   * Returns the folders of an image's layers, the topmost first. Missing layers are unpacked and their digests verified. Other
   * processes see a layer only when it is complete.
   *
   * @throws CleanRoomError `image-unknown`, `digest-mismatch`, `malformed` if an entry would be outside of the image
   */
  async stack(store: ImageStore, layers: readonly Digest[]): Promise<string[]> {
    await mkdir(this.folder, { recursive: true, mode: 0o700 });
    let stack: string[] = [];
    for (const [index, layer] of layers.entries()) {
      const through = layers.slice(0, index + 1);
      const merged = this.folderOf(through);
      if (index > 0 && (await this.isMerged(layer, merged))) stack = [await this.unpacked(store, through)];
      else {
        try {
          stack = [await this.unpacked(store, [layer], index > 0), ...stack];
        } catch (error) {
          if (!(error instanceof NeedsLayersBelow)) throw error;
          await writeFile(this.mergeMarker(layer), '');
          stack = [await this.unpacked(store, through)];
        }
      }
    }
    return stack;
  }

  /** Returns whether a layer is unpacked together with those below it. */
  private async isMerged(layer: Digest, merged: string): Promise<boolean> {
    return (await exists(this.mergeMarker(layer))) || exists(merged);
  }

  /** Returns the folder of one layer, or of several layers that are merged. */
  private folderOf(layers: readonly Digest[]): string {
    const [only, ...others] = layers;
    const name =
      only !== undefined && others.length === 0
        ? only
        : digestFromHash(labelledHash('clean-room/simulator/merged-layers/v1', ...layers.map(utf8)));
    return join(this.folder, name.slice('sha256:'.length));
  }

  /** The path of an empty file that records that a layer can only be unpacked together with those below it. */
  private mergeMarker(layer: Digest): string {
    return `${this.folderOf([layer])}.needs-layers-below`;
  }

  /**
   * Unpacks layers into one folder, unless that was done before.
   *
   * @param isPartial - whether the image has layers below that are not among `layers`
   */
  private async unpacked(store: ImageStore, layers: readonly Digest[], isPartial = false): Promise<string> {
    const target = this.folderOf(layers);
    if (await exists(target)) return target;
    return withFileLock(`${target}.lock`, async () => {
      if (await exists(target)) return target;
      const draft = await mkdtemp(`${target}.draft-`);
      try {
        await unpackInto(draft, store, layers, isPartial);
        // After a power cut, the name must not exist without the complete content.
        await promisify(execFile)('sync', ['--file-system', draft], { env: { PATH: TOOL_PATH } });
        await rename(draft, target);
      } catch (error) {
        await removeTree(draft);
        throw error;
      }
      return target;
    });
  }
}

async function unpackInto(
  folder: string,
  store: ImageStore,
  layers: readonly Digest[],
  isPartial: boolean
): Promise<void> {
  const tree = new LayerTree(folder, isPartial);
  for (const layer of layers) {
    tree.beginLayer();
    const entries = extract();
    const read = pipeline(Readable.from(store.readBlob(layer)), entries);
    // The promise is awaited below. Until then, a rejection must not count as unhandled.
    read.catch(() => undefined);
    try {
      for await (const entry of entries) {
        const writer = tree.add(entry.header);
        for await (const chunk of entry as AsyncIterable<Uint8Array>) writer?.write(chunk);
        writer?.close();
      }
      await read;
    } catch (error) {
      throw await unpackError(error, read);
    }
  }
  tree.finish();
}

/** Returns the error to report: the store's own error, if there is one, because it is more precise than the stream's. */
async function unpackError(error: unknown, read: Promise<void>): Promise<unknown> {
  if (error instanceof CleanRoomError || error instanceof NeedsLayersBelow) return error;
  const readError: unknown = await read.then(
    () => undefined,
    (rejection: unknown) => rejection
  );
  if (readError instanceof CleanRoomError) return readError;
  return new CleanRoomError('malformed', 'A layer of the image is not a valid tar archive.', {
    cause: error
  });
}
