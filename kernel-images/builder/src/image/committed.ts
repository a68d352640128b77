import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { equalBytes } from '@clean-room/protocol/bytes';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { readImageConfig, readManifest, type KernelImageFiles } from '@clean-room/protocol/packaging';

/** The folder of this repository that contains the kernel images. */
export const KERNEL_IMAGES_FOLDER = fileURLToPath(new URL('../../../', import.meta.url));

/**
 * Reads the committed manifest and config of a kernel image. They are sufficient to compute the digest of a revision's image.
 *
 * @param name - the name of the kernel image, such as `python-cpu`
 * @param images - the folder of kernel images, for programs with their own copy
 * @throws CleanRoomError `not-found`, `malformed`, `digest-mismatch`
 */
export async function loadKernelImage(
  name: string,
  images = KERNEL_IMAGES_FOLDER
): Promise<KernelImageFiles> {
  if (!/^[a-z0-9][a-z0-9-]*$/.test(name))
    throw new CleanRoomError('malformed', `"${name}" is not the name of a kernel image.`);
  const read = (file: string): Promise<Uint8Array> =>
    readFile(join(images, name, file)).catch((cause: unknown) => {
      throw new CleanRoomError(
        'not-found',
        `The kernel image ${name} is not available: ${file} does not exist.`,
        {
          cause
        }
      );
    });
  const [manifest, config] = await Promise.all([read('manifest.json'), read('config.json')]);
  const described = readImageConfig(config);
  if (readManifest(manifest).value.config.digest !== described.digest) {
    throw new CleanRoomError(
      'digest-mismatch',
      `manifest.json and config.json of ${name} belong to different images.`
    );
  }
  return { manifest, config };
}

/** The committed files of a kernel image: its documents, and what it is made of. */
export type CommittedFiles = Readonly<Record<'manifest' | 'config' | 'sbom' | 'licences', Uint8Array>>;

/** The names of the committed files. */
const NAMES: Readonly<Record<keyof CommittedFiles, string>> = {
  manifest: 'manifest.json',
  config: 'config.json',
  sbom: 'sbom.json',
  licences: 'licences.txt'
};

/** The files and their names, in a fixed order. */
function named(files: Partial<CommittedFiles>): [string, Uint8Array][] {
  return (Object.keys(NAMES) as (keyof CommittedFiles)[]).flatMap(key => {
    const bytes = files[key];
    return bytes === undefined ? [] : [[NAMES[key], bytes]];
  });
}

/** Returns the names of the committed files that differ from the given ones. */
export async function changedFiles(folder: string, files: Partial<CommittedFiles>): Promise<string[]> {
  const found: string[] = [];
  for (const [name, bytes] of named(files)) {
    const committed = await readFile(join(folder, name)).catch(() => new Uint8Array());
    if (!equalBytes(committed, bytes)) found.push(name);
  }
  return found;
}

/** Writes the files to be committed. */
export async function writeFiles(folder: string, files: Partial<CommittedFiles>): Promise<void> {
  for (const [name, bytes] of named(files)) await writeFile(join(folder, name), bytes);
}
