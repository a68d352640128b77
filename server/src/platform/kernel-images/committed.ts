import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Digest } from '@clean-room/protocol/bytes';
import { digestOf } from '@clean-room/protocol/bytes';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { readImageConfig, readManifest, type KernelImageFiles } from '@clean-room/protocol/packaging';

/** A kernel image whose manifest and configuration are part of the repository. */
export interface CommittedKernelImage extends KernelImageFiles {
  readonly name: string;
  readonly digest: Digest;
}

/** Folders of the committed kernel images, in the repository and in the bundled command, relative to this file. */
const FOLDERS = ['../../../../kernel-images', './kernel-images'];

function defaultFolder(): string {
  const folders = FOLDERS.map(folder => fileURLToPath(new URL(folder, import.meta.url)));
  return folders.find(folder => existsSync(folder)) ?? path.resolve('kernel-images');
}

/**
 * Reads the manifest and configuration (a few kilobytes) of every committed kernel image, from which the images of revisions
 * are composed.
 */
export async function committedKernelImages(folder = defaultFolder()): Promise<CommittedKernelImage[]> {
  const images: CommittedKernelImage[] = [];
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const imageFolder = path.join(folder, entry.name);
    if (!entry.isDirectory() || !existsSync(path.join(imageFolder, 'manifest.json'))) continue;
    const [manifest, config] = await Promise.all([
      readFile(path.join(imageFolder, 'manifest.json')),
      readFile(path.join(imageFolder, 'config.json'))
    ]);
    const files = { manifest: new Uint8Array(manifest), config: new Uint8Array(config) };
    readManifest(files.manifest);
    readImageConfig(files.config);
    images.push({ name: entry.name, digest: digestOf(files.manifest), ...files });
  }
  return images;
}

/**
 * Reads one committed kernel image.
 *
 * @throws CleanRoomError `image-unknown` when no committed kernel image has this digest
 */
export async function committedKernelImage(digest: Digest, folder?: string): Promise<CommittedKernelImage> {
  const images = await committedKernelImages(folder);
  const image = images.find(candidate => candidate.digest === digest);
  if (image !== undefined) return image;
  throw new CleanRoomError(
    'image-unknown',
    `This version of the clean room does not include the kernel image ${digest}.`,
    {
      remedy: 'Update the clean room, or submit with a kernel image that this version includes.'
    }
  );
}
