import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Digest } from '@clean-room/protocol/bytes';
import { digestOf } from '@clean-room/protocol/bytes';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { readImageConfig, readManifest, type KernelImageFiles } from '@clean-room/protocol/packaging';

export interface CommittedKernelImage extends KernelImageFiles {
  readonly name: string;
  readonly digest: Digest;
}

/** Where the repository, or a bundle of the command, keeps them. */
const PLACES = ['../../../../kernel-images', './kernel-images'];

function defaultFolder(): string {
  const places = PLACES.map(place => fileURLToPath(new URL(place, import.meta.url)));
  return places.find(place => existsSync(place)) ?? path.resolve('kernel-images');
}

/** Manifest and config (kilobytes) of every kernel image that is committed: what a revision is composed on. */
export async function committedKernelImages(folder = defaultFolder()): Promise<CommittedKernelImage[]> {
  const images: CommittedKernelImage[] = [];
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const place = path.join(folder, entry.name);
    if (!entry.isDirectory() || !existsSync(path.join(place, 'manifest.json'))) continue;
    const [manifest, config] = await Promise.all([
      readFile(path.join(place, 'manifest.json')),
      readFile(path.join(place, 'config.json'))
    ]);
    const files = { manifest: new Uint8Array(manifest), config: new Uint8Array(config) };
    readManifest(files.manifest);
    readImageConfig(files.config);
    images.push({ name: entry.name, digest: digestOf(files.manifest), ...files });
  }
  return images;
}

/** @throws CleanRoomError `image-unknown` */
export async function committedKernelImage(digest: Digest, folder?: string): Promise<CommittedKernelImage> {
  const images = await committedKernelImages(folder);
  const image = images.find(candidate => candidate.digest === digest);
  if (image !== undefined) return image;
  throw new CleanRoomError(
    'image-unknown',
    `The kernel image ${digest} is not one that this program came with.`,
    {
      remedy: 'Update the clean room, or submit with a kernel image of this version.'
    }
  );
}
