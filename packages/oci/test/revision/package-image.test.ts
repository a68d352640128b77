import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readFile, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { digestOf } from '@clean-room/protocol/bytes';
import {
  composeImage,
  readKernelImage,
  readManifest,
  verifyComposition
} from '@clean-room/protocol/packaging';
import { readSpec } from '@clean-room/protocol/submissions';
import { LayoutStore } from '../../src/layout/layout-store.js';
import { anonymous } from '../../src/registry/credentials.js';
import { RegistryStore } from '../../src/registry/registry-store.js';
import { packageImage } from '../../src/revision/package-image.js';
import type { ImageStore } from '../../src/store.js';
import { readWorkspace } from '../../src/workspace/read-workspace.js';
import { startBreakingProxy } from '../support/breaking-proxy.js';
import { makeKernelImage, putKernelImage, specOver, type KernelImage } from '../support/image.js';
import { startRegistry, type Registry } from '../support/registry.js';
import { WORKSPACE, writeWorkspace } from '../support/workspace.js';

let folder: string;
let workspace: string;
let kernelImage: KernelImage;
let kernelImages: LayoutStore;
let registry: Registry;
beforeAll(async () => {
  registry = await startRegistry();
});
afterAll(() => registry.stop());
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'revision-'));
  workspace = join(folder, 'workspace');
  writeWorkspace(workspace);
  kernelImage = await makeKernelImage([400_000, 300_000]);
  kernelImages = await LayoutStore.open(join(folder, 'kernel-images'));
  await putKernelImage(kernelImages, kernelImage, 'kernel');
});
afterEach(() => rm(folder, { recursive: true }));

const run = (program: string, ...args: string[]): string => execFileSync(program, args, { encoding: 'utf8' });
const layout = (name: string) => LayoutStore.open(join(folder, name));
const repository = (name: string, host = registry.host) =>
  RegistryStore.open(`http://${host}/${name}`, {
    credentials: anonymous,
    retryPolicy: { attempts: 4, firstDelayMs: 5, longestDelayMs: 1000 }
  });

async function packageInto(store: ImageStore, name = 'revision', from: ImageStore = kernelImages) {
  const files = await readWorkspace(workspace);
  const spec = specOver(files, kernelImage);
  return {
    spec,
    image: await packageImage({ kernelImage, kernelImages: from, spec, files, store, name })
  };
}

describe('the packaged image of a revision', () => {
  it('has the digest that composeImage computes, in a layout folder and in a registry', async () => {
    const files = await readWorkspace(workspace);
    const composed = await composeImage(kernelImage, specOver(files, kernelImage), files);
    const { image } = await packageInto(await layout('store'));
    expect(image.imageDigest).toBe(composed.imageDigest);
    expect(image.imageId).toBe(composed.imageId);
    const spec = readSpec(specOver(files, kernelImage));
    const read = { kernelImage, kernelImages, spec, files, store: await layout('read') };
    expect((await packageImage(read)).imageDigest).toBe(composed.imageDigest);
    const { image: pushed } = await packageInto(repository('same'));
    expect(pushed.imageDigest).toBe(composed.imageDigest);
    expect(() => verifyComposition({ kernelImage, image })).not.toThrow();
  });

  it('shares the kernel image’s layers with the layout folder that contains them', async () => {
    const store = await layout('store');
    await packageInto(store);
    for (const { digest } of kernelImage.layers) {
      expect((await stat(store.blobPath(digest))).ino).toBe((await stat(kernelImages.blobPath(digest))).ino);
    }
  });

  it('has the same digest in skopeo, and keeps it when skopeo copies it', async () => {
    const store = await layout('store');
    const { image } = await packageInto(store);
    const source = `oci:${store.location}:revision`;
    expect(JSON.parse(run('skopeo', 'inspect', source))).toMatchObject({
      Digest: image.imageDigest,
      Labels: {
        'tee.launch_policy.allow_env_override': 'CLEAN_ROOM_JOB',
        'tee.launch_policy.log_redirect': 'never',
        'tee.launch_policy.hardened_monitoring': 'none',
        'tee.launch_policy.debug_monitoring': 'none'
      }
    });
    run(
      'skopeo',
      '--insecure-policy',
      'copy',
      '--preserve-digests',
      source,
      `oci:${join(folder, 'copy')}:revision`
    );
    expect(await (await layout('copy')).resolve('revision')).toBe(image.imageDigest);
    const pushed = `docker://${registry.host}/by-skopeo:revision`;
    run(
      'skopeo',
      '--insecure-policy',
      'copy',
      '--preserve-digests',
      '--dest-tls-verify=false',
      source,
      pushed
    );
    expect(await repository('by-skopeo').resolve('revision')).toBe(image.imageDigest);
  });

  it('can be pulled by skopeo from a registry', async () => {
    const { image } = await packageInto(repository('ours'));
    const source = `docker://${registry.host}/ours:revision`;
    run(
      'skopeo',
      '--insecure-policy',
      'copy',
      '--preserve-digests',
      '--src-tls-verify=false',
      source,
      `oci:${join(folder, 'pulled')}:r`
    );
    expect(await (await layout('pulled')).resolve('r')).toBe(image.imageDigest);
  });

  it('unpacks with umoci into kernel image, spec and workspace, byte for byte', async () => {
    const store = await layout('store');
    const { spec } = await packageInto(store);
    const bundle = join(folder, 'bundle');
    run('umoci', 'unpack', '--rootless', '--image', `${store.location}:revision`, bundle);
    const root = join(bundle, 'rootfs');
    expect((await readdir(root)).sort()).toEqual(['clean-room', 'usr']);
    expect((await readdir(join(root, 'usr'))).sort()).toEqual(['layer-0', 'layer-1']);
    expect(await readFile(join(root, 'clean-room/spec.json'))).toEqual(Buffer.from(spec));
    const unpacked = await readWorkspace(join(root, 'clean-room/workspace'));
    expect(unpacked.map(({ path }) => path).sort()).toEqual(Object.keys(WORKSPACE).sort());
    for (const [name, text] of Object.entries(WORKSPACE))
      expect(await readFile(join(root, 'clean-room/workspace', name), 'utf8')).toBe(text);
    const config = JSON.parse(await readFile(join(bundle, 'config.json'), 'utf8')) as {
      process: { args: string[] };
    };
    expect(config.process.args).toEqual(['/usr/lib/clean-room/node', '/usr/lib/clean-room/supervisor.js']);
  });

  it('leaves a layout folder that umoci can list, clean and unpack', async () => {
    const store = await layout('store');
    await packageInto(store, 'one');
    await writeFile(join(workspace, 'lib.py'), 'changed\n');
    await packageInto(store, 'two');
    expect(run('umoci', 'list', '--layout', store.location).trim().split('\n').sort()).toEqual([
      'one',
      'two'
    ]);
    run('umoci', 'gc', '--layout', store.location);
    expect(await store.hasBlob(kernelImage.layers[0]!.digest)).toBe(true);
    run('umoci', 'unpack', '--rootless', '--image', `${store.location}:two`, join(folder, 'bundle'));
  });

  it('sends a registry only the blobs that it lacks', async () => {
    const proxy = await startBreakingProxy(registry.host);
    try {
      await putKernelImage(repository('kernels', proxy.host), kernelImage, 'kernel');
      const [from, to] = [repository('kernels', proxy.host), repository('revisions', proxy.host)];
      const before = proxy.carriedUp;
      await packageInto(to, 'one', from);
      const first = proxy.carriedUp - before;
      expect(first).toBeLessThan(100_000);
      await packageInto(to, 'one', from);
      expect(proxy.carriedUp - before - first).toBeLessThan(15_000);
    } finally {
      await proxy.stop();
    }
  });

  it('reaches a registry through connections that break', async () => {
    const proxy = await startBreakingProxy(registry.host);
    try {
      await writeFile(join(workspace, 'big.bin'), randomBytes(5_000_000));
      proxy.breakNext(3, 'up', 2_000_000);
      const { image } = await packageInto(repository('broken', proxy.host));
      expect(proxy.broken).toBe(3);
      expect(await repository('broken').resolve('revision')).toBe(image.imageDigest);
    } finally {
      await proxy.stop();
    }
  });

  it('is not stored if it does not have the expected digest', async () => {
    const files = await readWorkspace(workspace);
    const spec = specOver(files, kernelImage);
    const { imageDigest, layer } = await composeImage(kernelImage, spec, files);
    const parts = { kernelImage: readKernelImage(kernelImage), kernelImages, spec, files };
    for (const store of [await layout('store'), repository('later')]) {
      await expect(
        packageImage({ ...parts, store, image: digestOf(kernelImage.manifest) })
      ).rejects.toMatchObject({
        code: 'digest-mismatch'
      });
      expect(await store.hasBlob(layer.digest)).toBe(false);
      await packageImage({ ...parts, store, image: imageDigest });
      const manifest = readManifest(await store.readManifest(imageDigest)).value;
      for (const { digest } of [manifest.config, ...manifest.layers])
        expect(await store.hasBlob(digest)).toBe(true);
    }
  });

  it('is not stored if the kernel image’s layers are missing', async () => {
    const store = await layout('store');
    const empty = await layout('empty');
    await expect(packageInto(store, 'revision', empty)).rejects.toMatchObject({ code: 'image-unknown' });
    expect(await store.resolve('revision')).toBeUndefined();
  });

  it('does not contain a large file that changed after it was read, even with the same size and time', async () => {
    const path = join(workspace, 'big.bin');
    await writeFile(path, Buffer.alloc(6 * 1024 ** 2, 1));
    const files = await readWorkspace(workspace);
    const { atime, mtime } = await stat(path);
    await writeFile(path, Buffer.alloc(6 * 1024 ** 2, 2));
    await utimes(path, atime, mtime);
    const store = await layout('store');
    const spec = specOver(files, kernelImage);
    await expect(packageImage({ kernelImage, kernelImages, spec, files, store })).rejects.toMatchObject({
      code: 'workspace-refused'
    });
    expect(await readdir(join(store.location, '.drafts'))).toEqual([]);
  });

  it('contains small files as they were read, even if they are deleted afterwards', async () => {
    const files = await readWorkspace(workspace);
    await rm(workspace, { recursive: true });
    await mkdir(workspace);
    const store = await layout('store');
    const spec = specOver(files, kernelImage);
    const image = await packageImage({ kernelImage, kernelImages, spec, files, store });
    expect(digestOf(await store.readManifest(image.imageDigest))).toBe(image.imageDigest);
  });
});
