import { describe, expect, it } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { digestFromHash, digestOf, type Digest } from '../../src/bytes/digest.js';
import { utf8 } from '../../src/bytes/encoding.js';
import { canonicalJson } from '../../src/documents/canonical.js';
import { composeImage } from '../../src/packaging/compose.js';
import { verifyComposition } from '../../src/packaging/composition.js';
import { heldFile } from '../../src/packaging/file.js';
import { readImageConfig, readManifest } from '../../src/packaging/oci.js';
import { kernelImage, revisionFile, specOver } from '../support/revision.js';

const files = [
  revisionFile('explore.ipynb', '{}'),
  revisionFile('lib/helpers.py', 'x = 1\n'),
  revisionFile('lib/ü.txt', 'ü')
];
const spec = specOver(files);

async function tarOf(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  return Buffer.concat(parts);
}

describe('the image of a revision', () => {
  it('has the same digest as in earlier versions', async () => {
    const { imageDigest, imageId } = await composeImage(kernelImage(), spec, files);
    expect({ imageDigest, imageId }).toEqual({
      imageDigest: 'sha256:d389f9aa245e0762a393a57933c9809f8093664c8d78ef589862a47c70d35ce2',
      imageId: 'sha256:c94d3281815450ce753ee0ea994ba7cc9c8fbd0f1e18eff498242c7eadac3b06'
    });
  });

  it('has the same digest for any order of files and any SHA-256', async () => {
    const node = () => createHash('sha256');
    const one = await composeImage(kernelImage(), spec, files);
    const two = await composeImage(kernelImage(), spec, [...files].reverse(), node);
    expect(two.imageDigest).toBe(one.imageDigest);
  });

  it('has another digest if a byte, a name, the spec or the kernel image changes', async () => {
    const digests = await Promise.all([
      composeImage(kernelImage(), spec, files),
      ...[
        [revisionFile('explore.ipynb', '{ }'), ...files.slice(1)],
        [files[0]!, revisionFile('lib/helper.py', 'x = 1\n'), files[2]!]
      ].map(changed => composeImage(kernelImage(), specOver(changed), changed)),
      composeImage(kernelImage(), specOver(files, { purpose: 'Another' }), files),
      composeImage(kernelImage({ maintainer: 'us' }), spec, files)
    ]);
    expect(new Set(digests.map(({ imageDigest }) => imageDigest)).size).toBe(digests.length);
  });

  it('unpacks with tar to exactly spec and workspace, owned by root, with the epoch as time', async () => {
    const revision = await composeImage(kernelImage(), spec, files);
    const tar = await tarOf(revision.layer.chunks());
    expect(digestOf(tar)).toBe(revision.layer.digest);
    expect(tar.length).toBe(revision.layer.size);
    const folder = mkdtempSync(join(tmpdir(), 'revision-'));
    try {
      execFileSync('tar', ['-x', '-f', '-', '-C', folder], { input: tar });
      expect(readFileSync(join(folder, 'clean-room/spec.json'))).toEqual(Buffer.from(spec));
      expect(readFileSync(join(folder, 'clean-room/workspace/lib/ü.txt'), 'utf8')).toBe('ü');
      expect(statSync(join(folder, 'clean-room/workspace/explore.ipynb')).mtimeMs).toBe(0);
      const listing = execFileSync('tar', ['-t', '-v', '--numeric-owner', '-f', '-'], {
        input: tar,
        encoding: 'utf8'
      });
      expect(listing.trim().split('\n')).toHaveLength(7);
      expect(listing).not.toMatch(/^\S+ (?!0\/0)/m);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('keeps long names', async () => {
    const long = [revisionFile(`${'d'.repeat(120)}/${'f'.repeat(200)}.ipynb`, '{}')];
    const tar = await tarOf((await composeImage(kernelImage(), specOver(long), long)).layer.chunks());
    const listing = execFileSync('tar', ['-t', '-f', '-'], { input: tar, encoding: 'utf8' });
    expect(listing).toContain(long[0]!.path);
  });

  it('is refused if files are missing, added or different from those of the spec', async () => {
    const wrong = [
      files.slice(1),
      [...files, revisionFile('x.py', '')],
      [revisionFile('explore.ipynb', '[]'), ...files.slice(1)]
    ];
    for (const given of wrong) {
      await expect(composeImage(kernelImage(), spec, given)).rejects.toMatchObject({
        code: 'digest-mismatch'
      });
    }
  });

  it('is refused if a file changes after its digest was computed', async () => {
    const changing = { ...files[0]!, content: () => [new TextEncoder().encode('[]')] };
    await expect(composeImage(kernelImage(), spec, [changing, ...files.slice(1)])).rejects.toMatchObject({
      code: 'digest-mismatch'
    });
  });

  it('is the same for files in memory, whose digests are computed only once', async () => {
    const inMemory = files.map(file =>
      heldFile(file.path, Buffer.concat([...(file.content() as Iterable<Uint8Array>)]))
    );
    const hashes: Digest[] = [];
    const counting = () => {
      const hash = createHash('sha256');
      return {
        update: (bytes: Uint8Array) => hash.update(bytes),
        digest: () => {
          const digest = hash.digest();
          hashes.push(digestFromHash(digest));
          return digest;
        }
      };
    };
    const one = await composeImage(kernelImage(), spec, inMemory, counting);
    expect(one.imageDigest).toBe((await composeImage(kernelImage(), spec, files)).imageDigest);
    expect(hashes).toEqual([one.layer.digest, one.imageId, one.imageDigest]);
  });

  it('is refused for a copy of a file in memory with other content', async () => {
    const { path, bytes, digest } = heldFile('explore.ipynb', utf8('{}'));
    const copy = { path, bytes, digest, content: () => [utf8('[]')] };
    await expect(composeImage(kernelImage(), spec, [copy, ...files.slice(1)])).rejects.toMatchObject({
      code: 'digest-mismatch'
    });
  });

  it('is refused if the kernel image has labels of a launch policy', async () => {
    const image = kernelImage({ 'tee.launch_policy.log_redirect': 'always' });
    await expect(composeImage(image, spec, files)).rejects.toMatchObject({ code: 'malformed' });
  });
});

describe('the verification of an image', () => {
  const base = kernelImage();
  const compose = () => composeImage(base, spec, files);

  it('accepts a composed image', async () => {
    const image = await compose();
    expect(() => verifyComposition({ kernelImage: base, image })).not.toThrow();
  });

  type Config = ReturnType<typeof readImageConfig>['value'];
  it.each<[string, (config: Config) => Config]>([
    ['another entrypoint', c => ({ ...c, config: { ...c.config, Entrypoint: ['/bin/sh'] } })],
    ['an environment variable', c => ({ ...c, config: { ...c.config, Env: ['LD_PRELOAD=/x'] } })],
    ['another user', c => ({ ...c, config: { ...c.config, User: '1:1' } })],
    [
      'a label',
      c => ({
        ...c,
        config: { ...c.config, Labels: { ...c.config.Labels, 'tee.launch_policy.log_redirect': 'always' } }
      })
    ],
    [
      'a capability label',
      c => ({
        ...c,
        config: {
          ...c.config,
          Labels: { ...c.config.Labels, 'tee.launch_policy.allow_capabilities': 'true' }
        }
      })
    ],
    ['another working directory', c => ({ ...c, config: { ...c.config, WorkingDir: '/tmp' } })],
    [
      'a layer before ours',
      c => ({ ...c, rootfs: { ...c.rootfs, diff_ids: [c.rootfs.diff_ids[1]!, ...c.rootfs.diff_ids] } })
    ]
  ])('refuses %s', async (_name, change) => {
    const image = await compose();
    const config = canonicalJson(change(readImageConfig(image.config).value));
    const manifest = readManifest(image.manifest).value;
    const forged = canonicalJson({
      ...manifest,
      config: { ...manifest.config, digest: digestOf(config), size: config.length }
    });
    expect(() => verifyComposition({ kernelImage: base, image: { config, manifest: forged } })).toThrow(
      expect.objectContaining({ code: 'digest-mismatch' })
    );
  });

  it('refuses an added layer and another kernel image', async () => {
    const image = await compose();
    const manifest = readManifest(image.manifest).value;
    const extra = { ...manifest, layers: [manifest.layers[0]!, ...manifest.layers] };
    expect(() =>
      verifyComposition({ kernelImage: base, image: { ...image, manifest: canonicalJson(extra) } })
    ).toThrow();
    expect(() => verifyComposition({ kernelImage: kernelImage({ other: 'yes' }), image })).toThrow();
  });
});
