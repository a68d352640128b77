import { chown, mkdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { command } from './commands.js';
import { CACHE, PROJECT } from './paths.js';

const IMAGES = join(PROJECT, 'kernel-images');
const CACHES = join(PROJECT, '.cache/kernel-images');
/** A layout of the tests' own: building into the one of `npm run build:kernel` would change what its names mean. */
const LAYOUT = join(CACHE, 'layout');

/**
 * Builds the kernel image of this very tree, as `npm run build:kernel` does: the layers of dependencies are those of an
 * earlier build, ours is composed anew within seconds.
 * @returns the digests of the layers, the lowest first
 */
export async function buildImage(): Promise<string[]> {
  const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc');
  const rooms = ['kernel-images/builder', 'kernel-images/supervisor', 'packages/simulator'];
  await command(process.execPath, [tsc, '-b', ...rooms], { cwd: PROJECT });
  const { buildKernelImage } = await import('@clean-room/kernel-builder');
  const { readDefinition } = await import('@clean-room/kernel-builder');
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
      `The image of this tree is ${image.digest}, not the committed ${committed.digest}.\n`
    );
  return readManifest(image.manifest).value.layers.map(({ digest }) => digest);
}

/**
 * The folders of the image's layers, the topmost first, unpacked once by each user as the simulator does it: what root
 * unpacks has owners and devices, what others unpack is all theirs.
 */
export async function unpackImage(layers: readonly string[], user: number): Promise<string[]> {
  const folder = join(CACHE, `unpacked-${user}`);
  await mkdir(folder, { recursive: true });
  await chown(folder, user, user);
  const become =
    user === process.getuid?.() ? [] : ['setpriv', `--reuid=${user}`, `--regid=${user}`, '--clear-groups'];
  const [program = '', ...words] = [
    ...become,
    process.execPath,
    join(import.meta.dirname, 'unpack.js'),
    ...[folder, LAYOUT, ...layers]
  ];
  return JSON.parse(await command(program, words)) as string[];
}
