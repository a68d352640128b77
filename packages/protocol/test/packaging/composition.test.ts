import { digestOf } from '../../src/bytes/digest.js';
import { fromUtf8, utf8 } from '../../src/bytes/encoding.js';
import { canonicalJson } from '../../src/documents/canonical.js';
import { composeImage, type ComposeOptions } from '../../src/packaging/compose.js';
import { appraiseComposition, verifyComposition } from '../../src/packaging/composition.js';
import type { ImageFiles } from '../../src/packaging/image.js';
import { readImageConfig, readManifest } from '../../src/packaging/oci.js';
import { kernelImage, revisionFile, specOver } from '../support/revision.js';

const base = kernelImage();
const files = [revisionFile('explore.ipynb', '{}')];
let revision: ComposeOptions;
beforeAll(async () => {
  revision = await composeImage(base, specOver(files), files);
});

/** The image with parts of config and manifest changed, and the manifest naming the changed config. */
function forged(change: { config?: object; runtime?: object; manifest?: object }): ImageFiles {
  const { value: own } = readImageConfig(revision.config);
  const { value: manifest } = readManifest(revision.manifest);
  const config = canonicalJson({
    ...own,
    ...change.config,
    config: { ...own.config, ...change.runtime }
  });
  return {
    config,
    manifest: canonicalJson({
      ...manifest,
      config: { ...manifest.config, digest: digestOf(config), size: config.length },
      ...change.manifest
    })
  };
}

function failed(image: ImageFiles, kernel = base): string[] {
  return appraiseComposition({ kernelImage: kernel, image })
    .filter(({ status }) => status === 'fail')
    .map(({ id }) => id);
}

const other = digestOf(utf8('another layer'));
const layerType = 'application/vnd.oci.image.layer.v1.tar';

describe('what an image is made of', () => {
  it('passes every step as it was composed', () => {
    const steps = appraiseComposition({ kernelImage: base, image: revision });
    expect(new Set(steps.map(({ status }) => status))).toEqual(new Set(['pass']));
    expect(() => verifyComposition({ kernelImage: base, image: revision })).not.toThrow();
  });

  it.each<[string, Parameters<typeof forged>[0], string]>([
    ['an entrypoint', { runtime: { Entrypoint: ['/bin/sh'] } }, 'entrypoint'],
    ['a variable', { runtime: { Env: ['PATH=/bin', 'NODE_OPTIONS=--require=/x'] } }, 'environment'],
    ['a user', { runtime: { User: '1000:1000' } }, 'user'],
    ['a working folder', { runtime: { WorkingDir: '/clean-room/workspace' } }, 'working-folder'],
    ['a label more', { runtime: { Labels: { 'tee.launch_policy.allow_cmd_override': 'true' } } }, 'labels'],
    ['no launch policy', { runtime: { Labels: {} } }, 'labels'],
    ['a line of history', { config: { history: [{ created_by: 'me' }, {}] } }, 'history'],
    ['a time of making', { config: { created: '2026-01-01T00:00:00Z' } }, 'platform'],
    [
      'another base',
      { manifest: { annotations: { 'org.opencontainers.image.base.digest': other } } },
      'base-digest'
    ],
    ['an annotation more', { manifest: { annotations: { note: 'x' } } }, 'base-digest'],
    [
      'a layer that its manifest hides',
      { config: { rootfs: { type: 'layers', diff_ids: [other, other] } } },
      'diff-ids'
    ],
    [
      'a layer exchanged below ours',
      {
        manifest: {
          layers: [
            { mediaType: layerType, digest: other, size: 7 },
            { mediaType: layerType, digest: digestOf(utf8('x')), size: 7 }
          ]
        }
      },
      'layers'
    ]
  ])('fails by name for %s', (_name, change, id) => {
    const image = forged(change);
    expect(failed(image)).toContain(id);
    expect(() => verifyComposition({ kernelImage: base, image })).toThrow(
      expect.objectContaining({ code: 'digest-mismatch', message: expect.any(String) })
    );
  });

  it('fails for another spelling of the same config', () => {
    const config = utf8(`${fromUtf8(revision.config)}\n`);
    const { value: manifest } = readManifest(revision.manifest);
    const image = {
      config,
      manifest: canonicalJson({
        ...manifest,
        config: { ...manifest.config, digest: digestOf(config), size: config.length }
      })
    };
    expect(failed(image)).toEqual(['config-digest', 'bytes']);
  });

  it('fails for another config than the manifest names', () => {
    const { config } = forged({ runtime: { User: '1000' } });
    expect(failed({ config, manifest: revision.manifest })).toEqual(['user', 'bytes']);
  });

  it('fails for what is no image of the one form that is read', () => {
    const text = fromUtf8(revision.manifest);
    for (const manifest of [
      '{}',
      'not json',
      text.replace('"schemaVersion":2', '"schemaVersion":2,"schemaVersion":2'),
      text.replace('"schemaVersion":2', '"schemaVersion":2,"subject":{}'),
      text.replaceAll(layerType, `${layerType}+gzip`),
      text.replace('"size":7', '"size":7,"urls":["https://example.org/other"]')
    ]) {
      const image = { ...revision, manifest: utf8(manifest) };
      expect(failed(image)).toEqual(['form']);
      expect(() => verifyComposition({ kernelImage: base, image })).toThrow(
        expect.objectContaining({ code: 'digest-mismatch' })
      );
    }
  });

  it('says nothing about an image whose kernel image it can not read', () => {
    const steps = appraiseComposition({ kernelImage: { ...base, config: utf8('{}') }, image: revision });
    expect(steps[0]).toMatchObject({ id: 'kernel-image', status: 'fail' });
    expect(steps.slice(2).every(({ status }) => status === 'not-reached')).toBe(true);
  });
});

describe('a kernel image', () => {
  const { value: config } = readImageConfig(base.config);
  const { value: manifest } = readManifest(base.manifest);

  function withConfig(changed: object): ImageFiles {
    const bytes = canonicalJson(changed);
    return {
      config: bytes,
      manifest: canonicalJson({
        ...manifest,
        config: { ...manifest.config, digest: digestOf(bytes), size: bytes.length }
      })
    };
  }

  it.each<[string, ImageFiles]>([
    ['a launch policy of its own', kernelImage({ 'tee.launch_policy.allow_cmd_override': 'true' })],
    ['open ports', withConfig({ ...config, config: { ...config.config, ExposedPorts: { '22/tcp': {} } } })],
    ['volumes', withConfig({ ...config, config: { ...config.config, Volumes: { '/data': {} } } })],
    ['a shell for commands', withConfig({ ...config, config: { ...config.config, Cmd: ['x'] } })],
    ['another platform', withConfig({ ...config, architecture: 'arm64' })],
    ['another platform variant', withConfig({ ...config, variant: 'v3' })],
    [
      'layers that are not its diff ids',
      withConfig({ ...config, rootfs: { type: 'layers', diff_ids: [other] } })
    ],
    ['more history than layers', withConfig({ ...config, history: [{}, {}] })]
  ])('with %s is not composed on', async (_name, image) => {
    await expect(composeImage(image, specOver(files), files)).rejects.toMatchObject({ code: 'malformed' });
  });

  it('with another image’s config is not composed on', async () => {
    const image = { ...base, config: kernelImage({ a: 'b' }).config };
    await expect(composeImage(image, specOver(files), files)).rejects.toMatchObject({
      code: 'digest-mismatch'
    });
  });

  it('keeps its history, with a line for the revision', async () => {
    const image = withConfig({ ...config, history: [{ created_by: 'base' }, { empty_layer: true }] });
    const { config: composed } = await composeImage(image, specOver(files), files);
    expect(readImageConfig(composed).value.history?.map(({ created_by }) => created_by)).toEqual([
      'base',
      undefined,
      expect.stringContaining('revision')
    ]);
  });

  it('over 4 MiB is not read', () => {
    expect(() => readManifest(new Uint8Array(4 * 1024 ** 2 + 1))).toThrow(
      expect.objectContaining({ code: 'too-large' })
    );
  });
});
