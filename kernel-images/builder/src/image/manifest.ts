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
import { NODE_PATH, SUPERVISOR_PATH } from './paths.js';

const EPOCH = '1970-01-01T00:00:00Z';

/** The manifest and config of an image, as canonical bytes. */
export interface ImageDocuments extends KernelImageFiles {
  /** The image's identity: the digest of the manifest. */
  readonly digest: Digest;
}

/** Returns the documents of an image with these layers (OCI image-spec v1). They depend only on the layers. */
export function describeImage(layers: readonly Layer[]): ImageDocuments {
  const imageConfig: ImageConfig = {
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
  const config = canonicalJson(imageConfig);
  const imageManifest: Manifest = {
    schemaVersion: 2,
    mediaType: MANIFEST_TYPE,
    config: { mediaType: CONFIG_TYPE, digest: digestOf(config), size: config.length },
    layers: layers.map(({ digest, size }) => ({ mediaType: LAYER_TYPE, digest, size }))
  };
  const manifest = canonicalJson(imageManifest);
  return { manifest, config, digest: digestOf(manifest) };
}
