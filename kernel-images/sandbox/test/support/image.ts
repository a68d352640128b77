import { chown, mkdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { command } from './commands.js';
import { CACHE, PROJECT } from './paths.js';

const IMAGES = join(PROJECT, 'kernel-images');
const CACHES = join(PROJECT, '.cache/kernel-images');
/** A separate layout, because a build into the layout of `npm run build:kernel` would change its tags. */
const LAYOUT = join(CACHE, 'layout');

/**
 * Builds the kernel image from the current sources, as `npm run build:kernel` does. It reuses the layers with
 * dependencies from an earlier build and builds only our own layer, which takes seconds.
 *
 * @returns the digests of the layers, from the lowest to the topmost
 */
export async function buildImage(): Promise<string[]> {
  const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc');
  const packages = ['kernel-images/builder', 'kernel-images/supervisor', 'packages/simulator'];
  await command(process.execPath, [tsc, '-b', ...packages], { cwd: PROJECT });
  const { buildKernelImage, readDefinition } = await import('@clean-room/kernel-builder');
  const { LayoutStore } = await import('@clean-room/oci/layout');
  const { readManifest } = await import('@clean-room/protocol/packaging');
  const [built, own] = [await LayoutStore.open(join(CACHES, 'layout')), await LayoutStore.open(LAYOUT)];
  const committed = readManifest(await readFile(join(IMAGES, 'python-cpu/manifest.json')));
  for (const { digest, size } of committed.value.layers)
    if (await built.hasBlob(digest)) await own.copyBlob(built, digest, size);
  const image = await buildKernelImage(await readDefinition(join(IMAGES, 'python-cpu')), {
    root: PROJECT,
    inputs: join(CACHES, 'inputs'),
    layers: join(CACHES, 'layers'),
    layout: LAYOUT
  });
  if (image.digest !== committed.digest)
    process.stderr.write(
      `The image of the current sources, ${image.digest}, differs from the committed image, ${committed.digest}.\n`
    );
  return readManifest(image.manifest).value.layers.map(({ digest }) => digest);
}

/**
 * Unpacks the image's layers, as the simulator does, and returns their folders, from the topmost to the lowest. Each
 * user needs folders of its own: root keeps owners and devices, other users become the owner of all files.
 *
 * @param layers - digests, from the lowest to the topmost
 * @param user - id of the user who unpacks
 */
export async function unpackImage(layers: readonly string[], user: number): Promise<string[]> {
  const folder = join(CACHE, `unpacked-${user}`);
  await mkdir(folder, { recursive: true });
  await chown(folder, user, user);
  const asUser =
    user === process.getuid?.() ? [] : ['setpriv', `--reuid=${user}`, `--regid=${user}`, '--clear-groups'];
  const [program = '', ...parameters] = [
    ...asUser,
    process.execPath,
    join(import.meta.dirname, 'unpack.js'),
    ...[folder, LAYOUT, ...layers]
  ];
  return JSON.parse(await command(program, parameters)) as string[];
}
