import { digestOf, utf8 } from '@clean-room/protocol/bytes';
import { canonicalJson } from '@clean-room/protocol/documents';
import {
  CONFIG_TYPE,
  LAYER_TYPE,
  MANIFEST_TYPE,
  type KernelImageFiles
} from '@clean-room/protocol/packaging';

/** A kernel image that is always the same, of which nothing is there but manifest and config. */
export function fixedKernelImage(): KernelImageFiles {
  const layer = digestOf(utf8('a layer'));
  const config = canonicalJson({
    architecture: 'amd64',
    os: 'linux',
    config: { Entrypoint: ['/supervisor'], Env: ['PATH=/bin'], User: '0:0', WorkingDir: '/' },
    rootfs: { type: 'layers', diff_ids: [layer] },
    history: [{ created_by: 'a test' }]
  });
  const manifest = canonicalJson({
    schemaVersion: 2,
    mediaType: MANIFEST_TYPE,
    config: { mediaType: CONFIG_TYPE, digest: digestOf(config), size: config.length },
    layers: [{ mediaType: LAYER_TYPE, digest: layer, size: 7 }]
  });
  return { config, manifest };
}
