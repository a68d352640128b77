import { canonicalJson } from '@clean-room/protocol/documents';
import { digestOf, type Digest } from '@clean-room/protocol/bytes';
import {
  CONFIG_TYPE,
  LAYER_TYPE,
  MANIFEST_TYPE,
  type ImageConfig,
  type KernelImageFiles,
  type Manifest
} from '@clean-room/protocol/packaging';
import type { Layer } from './layer.js';
import { NODE_PATH, SUPERVISOR_PATH } from './names.js';

const EPOCH = '1970-01-01T00:00:00Z';

/** The two documents that name an image, as the bytes that its digests are over. */
export interface ImageDocuments extends KernelImageFiles {
  /** The image's identity: the digest of the manifest. */
  readonly digest: Digest;
}

/** Names an image of these layers (OCI image-spec v1). The documents hang on the layers alone. */
export function describeImage(layers: readonly Layer[]): ImageDocuments {
  const described: ImageConfig = {
    architecture: 'amd64',
    os: 'linux',
    created: EPOCH,
    config: {
      Entrypoint: [`/${NODE_PATH}`, `/${SUPERVISOR_PATH}`],
      Env: ['PATH=/usr/sbin:/usr/bin:/sbin:/bin'],
      User: '0:0',
      WorkingDir: '/'
    },
    rootfs: { type: 'layers', diff_ids: layers.map(({ digest }) => digest) },
    history: layers.map(({ title }) => ({ created: EPOCH, created_by: title }))
  };
  const config = canonicalJson(described);
  const named: Manifest = {
    schemaVersion: 2,
    mediaType: MANIFEST_TYPE,
    config: { mediaType: CONFIG_TYPE, digest: digestOf(config), size: config.length },
    layers: layers.map(({ digest, size }) => ({ mediaType: LAYER_TYPE, digest, size }))
  };
  const manifest = canonicalJson(named);
  return { manifest, config, digest: digestOf(manifest) };
}
