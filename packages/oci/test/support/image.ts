import { randomBytes } from 'node:crypto';
import { digestOf, utf8, type Digest } from '@clean-room/protocol/bytes';
import { canonicalJson } from '@clean-room/protocol/documents';
import {
  CONFIG_TYPE,
  LAYER_TYPE,
  MANIFEST_TYPE,
  layerBytes,
  type KernelImageFiles,
  type RevisionFile,
  type TarEntry
} from '@clean-room/protocol/packaging';
import { Spec } from '@clean-room/protocol/submissions';
import type { ImageStore } from '../../src/store.js';

/** The documents and layers of a kernel image for tests. */
export interface KernelImage extends KernelImageFiles {
  readonly layers: readonly { readonly digest: Digest; readonly bytes: Uint8Array }[];
}

/** Returns manifest and config as a kernel image with these layers has them. */
export function describeImage(
  layers: readonly { readonly digest: Digest; readonly size: number }[]
): KernelImageFiles {
  const config = canonicalJson({
    architecture: 'amd64',
    os: 'linux',
    created: '1970-01-01T00:00:00Z',
    config: {
      Entrypoint: ['/usr/lib/clean-room/node', '/usr/lib/clean-room/supervisor.js'],
      Env: ['PATH=/usr/bin:/bin'],
      User: '0:0',
      WorkingDir: '/'
    },
    rootfs: { type: 'layers', diff_ids: layers.map(({ digest }) => digest) },
    history: layers.map((_, index) => ({ created_by: `layer ${index}` }))
  });
  const manifest = canonicalJson({
    schemaVersion: 2,
    mediaType: MANIFEST_TYPE,
    config: { mediaType: CONFIG_TYPE, digest: digestOf(config), size: config.length },
    layers: layers.map(({ digest, size }) => ({ mediaType: LAYER_TYPE, digest, size }))
  });
  return { config, manifest };
}

/**
 * Creates a small kernel image.
 *
 * @param bytesPerLayer - size of the random content of each layer, so that no two images are the same
 */
export async function makeKernelImage(bytesPerLayer: readonly number[] = [1000, 2000]): Promise<KernelImage> {
  const layers = await Promise.all(
    bytesPerLayer.map(async (size, index) => {
      const content = randomBytes(size);
      const entries: TarEntry[] = [
        { type: 'directory', path: 'usr', mode: 0o755 },
        { type: 'file', path: `usr/layer-${index}`, mode: 0o755, size, content: () => [content] }
      ];
      const bytes = await layerBytes(entries);
      return { digest: digestOf(bytes), bytes };
    })
  );
  const described = describeImage(layers.map(({ digest, bytes }) => ({ digest, size: bytes.length })));
  return { layers, ...described };
}

/** Returns the manifest and config of a kernel image that is the same for every run. */
export function fixedKernelImage(): KernelImageFiles {
  const layer = digestOf(utf8('a layer'));
  const config = canonicalJson({
    architecture: 'amd64',
    os: 'linux',
    config: { Entrypoint: ['/supervisor'], Env: ['PATH=/bin'], User: '0:0', WorkingDir: '/' },
    rootfs: { type: 'layers', diff_ids: [layer] },
    history: [{ created_by: 'a test' }]
  });
  const manifest = canonicalJson({
    schemaVersion: 2,
    mediaType: MANIFEST_TYPE,
    config: { mediaType: CONFIG_TYPE, digest: digestOf(config), size: config.length },
    layers: [{ mediaType: LAYER_TYPE, digest: layer, size: 7 }]
  });
  return { config, manifest };
}

/** Writes a kernel image to a store, as the image builder does. */
export async function putKernelImage(store: ImageStore, image: KernelImage, name?: string): Promise<Digest> {
  for (const { digest, bytes } of image.layers) await store.writeBlob(digest, bytes.length, chunked(bytes));
  await store.writeBlob(digestOf(image.config), image.config.length, chunked(image.config));
  return store.writeManifest(image.manifest, name);
}

/** Returns a source of `bytes` in chunks of `size` bytes. */
export function chunked(bytes: Uint8Array, size = 64 * 1024): () => AsyncGenerator<Uint8Array> {
  return async function* () {
    for (let offset = 0; offset < bytes.length; offset += size) yield bytes.subarray(offset, offset + size);
  };
}

/** Returns all chunks as one array. */
export async function collect(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  return new Uint8Array(Buffer.concat(parts));
}

const digest = digestOf(utf8('a test'));

/** Returns a valid spec with these files. The first of them is the notebook. */
export function specOver(files: readonly RevisionFile[], kernelImage: KernelImageFiles): Uint8Array {
  return Spec.write({
    format: 'clean-room.spec/v1',
    collaboration: digest,
    purpose: 'A test',
    kernelImage: digestOf(kernelImage.manifest),
    workspace: files.map(({ path, digest, bytes }) => ({ path, digest, bytes })),
    notebook: files[0]?.path ?? '',
    parameters: '{}',
    assets: [],
    submitter: `ed25519:${'A'.repeat(43)}`,
    recipients: ['age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p'],
    compute: { processors: 1, memoryBytes: 1024 ** 3, accelerator: 'none' }
  });
}
