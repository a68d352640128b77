import { execFile } from 'node:child_process';
import { access, mkdir, mkdtemp, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import type { LayoutStore } from '@clean-room/oci/layout';
import { digestFromHash, labelledHash, utf8, type Digest } from '@clean-room/protocol/bytes';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { extract } from 'tar-stream';
import { withFileLock } from './file-lock.js';
import { LayerTree, NeedsLayersBelow } from './layer-tree.js';
import { removeTree } from './remove-tree.js';
import { TOOL_PATH } from './tools.js';

/**
 * Unpacked layers, kept by digest and shared by all images and runs: a kernel image is unpacked once, whatever is put on
 * top of it. Nothing is ever written to them again.
 */
export class UnpackedLayers {
  /** What root unpacks has owners and devices, what others unpack has not: each user has folders of its own. */
  private readonly folder: string;

  constructor(cacheFolder: string) {
    this.folder = join(cacheFolder, `layers-of-${process.getuid?.() ?? 'user'}`);
  }

  /**
   * The folders that make up an image when laid over each other, the topmost first. What is not there yet is unpacked,
   * checked against its digest on the way and seen by others only when it is whole.
   *
   * @throws CleanRoomError `image-unknown`, `digest-mismatch`, `malformed` for entries that would leave the image
   */
  async stack(store: LayoutStore, layers: readonly Digest[]): Promise<string[]> {
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
          await writeFile(this.needsBelow(layer), '');
          stack = [await this.unpacked(store, through)];
        }
      }
    }
    return stack;
  }

  private async isMerged(layer: Digest, merged: string): Promise<boolean> {
    return (await exists(this.needsBelow(layer))) || exists(merged);
  }

  private folderOf(layers: readonly Digest[]): string {
    const [only, ...others] = layers;
    const name =
      only !== undefined && others.length === 0
        ? only
        : digestFromHash(labelledHash('clean-room/simulator/merged-layers/v1', ...layers.map(utf8)));
    return join(this.folder, name.slice('sha256:'.length));
  }

  private needsBelow(layer: Digest): string {
    return `${this.folderOf([layer])}.needs-layers-below`;
  }

  /** @param alone whether there are layers below that are left out */
  private async unpacked(store: LayoutStore, layers: readonly Digest[], alone = false): Promise<string> {
    const goal = this.folderOf(layers);
    if (await exists(goal)) return goal;
    return withFileLock(`${goal}.lock`, async () => {
      if (await exists(goal)) return goal;
      const draft = await mkdtemp(`${goal}.draft-`);
      try {
        await unpackInto(draft, store, layers, alone);
        // The name must not become durable before the content is.
        await promisify(execFile)('sync', ['--file-system', draft], { env: { PATH: TOOL_PATH } });
        await rename(draft, goal);
      } catch (error) {
        await removeTree(draft);
        throw error;
      }
      return goal;
    });
  }
}

async function unpackInto(
  folder: string,
  store: LayoutStore,
  layers: readonly Digest[],
  alone: boolean
): Promise<void> {
  const tree = new LayerTree(folder, alone);
  for (const layer of layers) {
    tree.beginLayer();
    const entries = extract();
    const read = pipeline(Readable.from(store.readBlob(layer)), entries);
    // Taken up below; without this, an early end would leave a rejection that nobody hears.
    read.catch(() => undefined);
    try {
      for await (const entry of entries) {
        const writer = tree.add(entry.header);
        for await (const chunk of entry as AsyncIterable<Uint8Array>) writer?.write(chunk);
        writer?.close();
      }
      await read;
    } catch (error) {
      throw await cause(error, read);
    }
  }
  tree.finish();
}

/** The store's own error says more than that the stream broke off. */
async function cause(error: unknown, read: Promise<void>): Promise<unknown> {
  if (error instanceof CleanRoomError || error instanceof NeedsLayersBelow) return error;
  const reading: unknown = await read.then(
    () => undefined,
    (failure: unknown) => failure
  );
  if (reading instanceof CleanRoomError) return reading;
  return new CleanRoomError('malformed', 'A layer of the image is no readable tar archive.', {
    cause: error
  });
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false
  );
}
