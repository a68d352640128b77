import { digestOf } from '../../src/bytes/digest.js';
import { utf8 } from '../../src/bytes/encoding.js';
import { canonicalJson } from '../../src/documents/canonical.js';
import type { RevisionFile } from '../../src/packaging/file.js';
import type { KernelImageFiles } from '../../src/packaging/image.js';
import { CONFIG_TYPE, LAYER_TYPE, MANIFEST_TYPE } from '../../src/packaging/oci.js';
import { Spec, type Spec as SpecValue } from '../../src/submissions/spec.js';
import { makeWorld } from './world.js';

/** Returns the manifest and config of a kernel image with one layer. */
export function kernelImage(labels: Record<string, string> = {}): KernelImageFiles {
  const layer = digestOf(utf8('a layer'));
  const config = canonicalJson({
    architecture: 'amd64',
    os: 'linux',
    config: { Entrypoint: ['/supervisor'], Env: ['PATH=/bin'], User: '0:0', Labels: labels },
    rootfs: { type: 'layers', diff_ids: [layer] }
  });
  const manifest = canonicalJson({
    schemaVersion: 2,
    mediaType: MANIFEST_TYPE,
    config: { mediaType: CONFIG_TYPE, digest: digestOf(config), size: config.length },
    layers: [{ mediaType: LAYER_TYPE, digest: layer, size: 7 }]
  });
  return { manifest, config };
}

/** Returns a file of a workspace. */
export function revisionFile(path: string, text: string): RevisionFile {
  const bytes = utf8(text);
  return { path, digest: digestOf(bytes), bytes: bytes.length, content: () => [bytes] };
}

/** Returns the bytes of a valid spec with these files. The first of them is the notebook. */
export function specOver(files: readonly RevisionFile[], change: Partial<SpecValue> = {}): Uint8Array {
  const workspace = files.map(({ path, digest, bytes }) => ({ path, digest, bytes }));
  const notebook = files[0]?.path ?? '';
  // A fixed submitter, so that tests can contain the expected digests.
  const submitter = `ed25519:${'A'.repeat(43)}`;
  const { specValue } = makeWorld();
  const collaboration = digestOf(utf8('collaboration'));
  return Spec.write({ ...specValue, collaboration, workspace, notebook, submitter, assets: [], ...change });
}
