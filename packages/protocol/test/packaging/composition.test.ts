import { beforeAll, describe, expect, it } from '@jest/globals';
import { digestOf } from '../../src/bytes/digest.js';
import { fromUtf8, utf8 } from '../../src/bytes/encoding.js';
import { canonicalJson } from '../../src/documents/canonical.js';
import { composeImage, type RevisionImage } from '../../src/packaging/compose.js';
import { verifyComposition } from '../../src/packaging/composition.js';
import { CleanRoomError } from '../../src/errors/index.js';
import type { ImageFiles } from '../../src/packaging/image.js';
import { readImageConfig, readManifest } from '../../src/packaging/oci.js';
import { kernelImage, revisionFile, specOver } from '../support/revision.js';

const base = kernelImage();
const files = [revisionFile('explore.ipynb', '{}')];
let revision: RevisionImage;
beforeAll(async () => {
  revision = await composeImage(base, specOver(files), files);
});

/** Returns the image with changes in config and manifest. The manifest has the digest of the changed config. */
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

/** Returns the names of the steps that fail. */
function failedSteps(image: ImageFiles, kernel = base): string[] {
  try {
    verifyComposition({ kernelImage: kernel, image });
    return [];
  } catch (error) {
    if (!(error instanceof CleanRoomError)) throw error;
    expect(error.code).toBe('digest-mismatch');
    return String(error.details['failed']).split(',');
  }
}

const other = digestOf(utf8('another layer'));
const layerType = 'application/vnd.oci.image.layer.v1.tar';

describe('the composition of an image', () => {
  it('is verified for an image that was composed', () => {
    expect(failedSteps(revision)).toEqual([]);
  });

  it.each<[string, Parameters<typeof forged>[0], string]>([
    ['another entrypoint', { runtime: { Entrypoint: ['/bin/sh'] } }, 'entrypoint'],
    ['an added variable', { runtime: { Env: ['PATH=/bin', 'NODE_OPTIONS=--require=/x'] } }, 'environment'],
    ['another user', { runtime: { User: '1000:1000' } }, 'user'],
    ['another working directory', { runtime: { WorkingDir: '/clean-room/workspace' } }, 'working-folder'],
    ['an added label', { runtime: { Labels: { 'tee.launch_policy.allow_cmd_override': 'true' } } }, 'labels'],
    ['no launch policy', { runtime: { Labels: {} } }, 'labels'],
    ['an added history entry', { config: { history: [{ created_by: 'me' }, {}] } }, 'history'],
    ['a creation time', { config: { created: '2026-01-01T00:00:00Z' } }, 'platform'],
    [
      'another base',
      { manifest: { annotations: { 'org.opencontainers.image.base.digest': other } } },
      'base-digest'
    ],
    ['an added annotation', { manifest: { annotations: { note: 'x' } } }, 'base-digest'],
    [
      'a layer that is only in the config',
      { config: { rootfs: { type: 'layers', diff_ids: [other, other] } } },
      'diff-ids'
    ],
    [
      'another layer below ours',
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
  ])('is refused, with the name of the step, for %s', (_name, change, id) => {
    expect(failedSteps(forged(change))).toContain(id);
  });

  it('is refused for the same config in other bytes', () => {
    const config = utf8(`${fromUtf8(revision.config)}\n`);
    const { value: manifest } = readManifest(revision.manifest);
    const image = {
      config,
      manifest: canonicalJson({
        ...manifest,
        config: { ...manifest.config, digest: digestOf(config), size: config.length }
      })
    };
    expect(failedSteps(image)).toEqual(['config-digest', 'bytes']);
  });

  it('is refused for a config that the manifest does not refer to', () => {
    const { config } = forged({ runtime: { User: '1000' } });
    expect(failedSteps({ config, manifest: revision.manifest })).toEqual(['user', 'bytes']);
  });

  it('is refused for an image that does not have the accepted form', () => {
    const text = fromUtf8(revision.manifest);
    for (const manifest of [
      '{}',
      'not json',
      text.replace('"schemaVersion":2', '"schemaVersion":2,"schemaVersion":2'),
      text.replace('"schemaVersion":2', '"schemaVersion":2,"subject":{}'),
      text.replaceAll(layerType, `${layerType}+gzip`),
      text.replace('"size":7', '"size":7,"urls":["https://example.org/other"]')
    ]) {
      expect(failedSteps({ ...revision, manifest: utf8(manifest) })).toEqual(['form']);
    }
  });

  it('is not checked any further if the kernel image is unreadable', () => {
    expect(failedSteps(revision, { ...base, config: utf8('{}') })).toEqual(['kernel-image']);
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
    ['a default command', withConfig({ ...config, config: { ...config.config, Cmd: ['x'] } })],
    ['another platform', withConfig({ ...config, architecture: 'arm64' })],
    ['another platform variant', withConfig({ ...config, variant: 'v3' })],
    [
      'layers that are not its diff ids',
      withConfig({ ...config, rootfs: { type: 'layers', diff_ids: [other] } })
    ],
    ['more history entries than layers', withConfig({ ...config, history: [{}, {}] })]
  ])('with %s is refused', async (_name, image) => {
    await expect(composeImage(image, specOver(files), files)).rejects.toMatchObject({ code: 'malformed' });
  });

  it('with the config of another image is refused', async () => {
    const image = { ...base, config: kernelImage({ a: 'b' }).config };
    await expect(composeImage(image, specOver(files), files)).rejects.toMatchObject({
      code: 'digest-mismatch'
    });
  });

  it('keeps its history, with an entry for the revision', async () => {
    const image = withConfig({ ...config, history: [{ created_by: 'base' }, { empty_layer: true }] });
    const { config: composed } = await composeImage(image, specOver(files), files);
    expect(readImageConfig(composed).value.history?.map(({ created_by }) => created_by)).toEqual([
      'base',
      undefined,
      expect.stringContaining('revision')
    ]);
  });

  it('with a manifest over 4 MiB is refused', () => {
    expect(() => readManifest(new Uint8Array(4 * 1024 ** 2 + 1))).toThrow(
      expect.objectContaining({ code: 'too-large' })
    );
  });
});
