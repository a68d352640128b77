import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { LayoutStore } from '@clean-room/oci/layout';
import { readManifest } from '@clean-room/protocol/packaging';
import { readDefinition } from '../../src/definition/definition.js';
import { buildKernelImage, type BuiltImage } from '../../src/image/build.js';
import { KERNEL_IMAGES_FOLDER } from '../../src/image/committed.js';
import { runProgram } from '../../src/programs/run.js';
import { runInJail, unpack } from '../support/jail.js';

const ROOT = fileURLToPath(new URL('../../../../', import.meta.url));
const INPUTS = join(ROOT, '.cache/kernel-images/inputs');
const MINUTE = 60_000;
// These tests take minutes. `npm run test:long` requests them.
const isRequested = process.env['CLEAN_ROOM_LONG_TESTS'] === '1';

jest.setTimeout(30 * MINUTE);

(isRequested ? describe : describe.skip)('python-cpu, built from its lock', () => {
  let folder: string;
  let one: BuiltImage;
  let two: BuiltImage;

  /** Builds the image with shared downloads, but without shared layers. */
  async function build(name: string): Promise<BuiltImage> {
    const read = await readDefinition(join(KERNEL_IMAGES_FOLDER, 'python-cpu'));
    const [layers, layout] = [join(folder, name, 'layers'), join(folder, name, 'layout')];
    return buildKernelImage(read, { root: ROOT, inputs: INPUTS, layers, layout });
  }

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'builder-twice-'));
    one = await build('one');
    two = await build('a second folder with a longer name');
  });

  afterAll(() => rm(folder, { recursive: true, force: true }));

  test('has the same digest twice', () => {
    const layers = ({ manifest }: BuiltImage): unknown => readManifest(manifest).value.layers;
    expect(layers(two)).toEqual(layers(one));
    expect(two.digest).toBe(one.digest);
  });

  test('is complete in its layout folder', async () => {
    const store = await LayoutStore.open(join(folder, 'one/layout'));
    expect(await store.resolve('python-cpu')).toBe(one.digest);
    for (const { digest } of readManifest(one.manifest).value.layers) {
      for await (const chunk of store.readBlob(digest)) expect(chunk.length).toBeGreaterThan(0);
    }
  });

  test('reuses the layers of an earlier build', async () => {
    const started = performance.now();
    expect((await build('one')).digest).toBe(one.digest);
    expect(performance.now() - started).toBeLessThan(MINUTE);
  });

  test('runs every library in its jail, and its Node.js outside', async () => {
    const rootfs = await unpack(join(folder, 'one/layout'), 'python-cpu', join(folder, 'rootfs'));
    const script = fileURLToPath(new URL('./smoke/notebook_libraries.py', import.meta.url));
    expect(await runInJail(rootfs, script)).toContain('all there');
    const node = [
      '--unshare-all',
      '--ro-bind',
      rootfs,
      '/',
      '--dev',
      '/dev',
      '--proc',
      '/proc',
      '--clearenv',
      '--'
    ];
    const version = await runProgram('bwrap', [...node, '/usr/lib/clean-room/node', '--version']);
    expect(version).toMatch(/^v24\./);
  });
});
