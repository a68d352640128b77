import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { readImageConfig, readManifest, type KernelImageFiles } from '@clean-room/protocol/packaging';

export const KERNEL_IMAGES_FOLDER = fileURLToPath(new URL('../../../', import.meta.url));

/**
 * The manifest and config of a kernel image as they are committed beside its definition: all that is needed to measure
 * a notebook, without having the image.
 * @param name e.g. `python-cpu`
 * @param images the folder of kernel images, for programs that carry their own copy
 * @throws CleanRoomError `not-found`, `malformed`, `digest-mismatch`
 */
export async function loadKernelImage(
  name: string,
  images = KERNEL_IMAGES_FOLDER
): Promise<KernelImageFiles> {
  if (!/^[a-z0-9][a-z0-9-]*$/.test(name))
    throw new CleanRoomError('malformed', `"${name}" is no name of a kernel image.`);
  const read = (file: string): Promise<Uint8Array> =>
    readFile(join(images, name, file)).catch((cause: unknown) => {
      throw new CleanRoomError('not-found', `There is no kernel image ${name} here: ${file} is missing.`, {
        cause
      });
    });
  const [manifest, config] = await Promise.all([read('manifest.json'), read('config.json')]);
  const described = readImageConfig(config);
  if (readManifest(manifest).value.config.digest !== described.digest) {
    throw new CleanRoomError(
      'digest-mismatch',
      `manifest.json and config.json of ${name} do not belong together.`
    );
  }
  return { manifest, config };
}
