import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { digestOf, utf8 } from '@clean-room/protocol/bytes';
import { readImageConfig, readManifest } from '@clean-room/protocol/packaging';
import { changedFiles, loadKernelImage, writeFiles } from '../../src/image/committed.js';
import { describeImage } from '../../src/image/manifest.js';
import { scratch } from '../support/scratch.js';

const LAYERS = ['one', 'two'].map(title => ({ digest: digestOf(utf8(title)), size: 10240, title }));

describe('the documents of an image', () => {
  test('start the supervisor as root, with PATH as the only variable', () => {
    const { config } = describeImage(LAYERS);
    expect(readImageConfig(config).value.config).toEqual({
      Entrypoint: ['/usr/lib/clean-room/node', '/usr/lib/clean-room/supervisor.js'],
      Env: ['PATH=/usr/sbin:/usr/bin:/sbin:/bin'],
      User: '0:0',
      WorkingDir: '/'
    });
  });

  test('list the layers in order', () => {
    const { config, manifest, digest } = describeImage(LAYERS);
    expect(readManifest(manifest).value.layers.map(layer => layer.digest)).toEqual(
      LAYERS.map(layer => layer.digest)
    );
    expect(readImageConfig(config).value.rootfs.diff_ids).toEqual(LAYERS.map(layer => layer.digest));
    expect(digest).toBe(digestOf(manifest));
    expect(describeImage([...LAYERS].reverse()).digest).not.toBe(digest);
    expect(describeImage(LAYERS).digest).toBe(digest);
  });

  test('are written, and compared with an image', async () => {
    const images = await scratch();
    const folder = join(images, 'sample');
    await mkdir(folder);
    const image = describeImage(LAYERS);
    expect(await changedFiles(folder, image)).toEqual(['manifest.json', 'config.json']);
    await writeFiles(folder, image);
    expect(await changedFiles(folder, image)).toEqual([]);
    expect(await changedFiles(folder, describeImage(LAYERS.slice(1)))).toEqual([
      'manifest.json',
      'config.json'
    ]);
    const { manifest, config } = await loadKernelImage('sample', images);
    expect([digestOf(manifest), digestOf(config)]).toEqual([image.digest, digestOf(image.config)]);
  });

  test('are refused if they belong to different images', async () => {
    const images = await scratch();
    await mkdir(join(images, 'sample'));
    await writeFile(join(images, 'sample/manifest.json'), describeImage(LAYERS).manifest);
    await expect(loadKernelImage('sample', images)).rejects.toMatchObject({ code: 'not-found' });
    await writeFile(join(images, 'sample/config.json'), describeImage(LAYERS.slice(1)).config);
    await expect(loadKernelImage('sample', images)).rejects.toMatchObject({ code: 'digest-mismatch' });
  });

  test.each(['../sample', '', 'a/b', '.'])('cannot be of an image named "%s"', async name => {
    await expect(loadKernelImage(name)).rejects.toMatchObject({ code: 'malformed' });
  });

  test('of python-cpu are committed', async () => {
    const { manifest } = await loadKernelImage('python-cpu');
    expect(readManifest(manifest).value.layers).toHaveLength(4);
  });
});
