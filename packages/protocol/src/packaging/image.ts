import { digestOf, pureSha256, type Digest, type HasherFactory } from '../bytes/digest.js';
import { canonicalJson } from '../documents/canonical.js';
import { CleanRoomError } from '../errors/index.js';
import {
  CONFIG_TYPE,
  LAYER_TYPE,
  MANIFEST_TYPE,
  readImageConfig,
  readManifest,
  type ImageConfig,
  type Manifest
} from './oci.js';

/**
 * What the launcher lets the operator do with our images (go-tpm-tools launcher, launch policy): name the job, and
 * nothing else. Labels are part of the image digest, so whoever pins the digest pins these.
 */
export const LAUNCH_POLICY_LABELS = {
  'tee.launch_policy.allow_env_override': 'CLEAN_ROOM_JOB',
  'tee.launch_policy.debug_monitoring': 'none',
  'tee.launch_policy.hardened_monitoring': 'none',
  'tee.launch_policy.log_redirect': 'never'
} as const;

const EPOCH = '1970-01-01T00:00:00Z';
export const BASE_DIGEST = 'org.opencontainers.image.base.digest';
const CREATED_BY = 'clean-room: spec and workspace of one revision';

/** An image by its manifest and config. A kernel image's are all that is needed to know a revision's digest. */
export interface ImageFiles {
  readonly manifest: Uint8Array;
  readonly config: Uint8Array;
}
export type KernelImageFiles = ImageFiles;

export interface ComposedImage extends ImageFiles {
  /** Digest of the config: the token's `image_id`. */
  readonly imageId: Digest;
  /** Digest of the manifest: the identity of the program. */
  readonly imageDigest: Digest;
}

/** A kernel image that was read and found sound. */
export interface KernelImageDocuments {
  readonly manifest: Manifest;
  readonly config: ImageConfig;
  readonly digest: Digest;
}

function refuse(message: string): never {
  throw new CleanRoomError('malformed', message);
}

function isRead(image: KernelImageFiles | KernelImageDocuments): image is KernelImageDocuments {
  return !(image.manifest instanceof Uint8Array);
}

/**
 * Reads a kernel image, unless it was read before, so strictly that nothing in it can surprise a runtime: uncompressed
 * layers that are their own diff ids, as many lines of history as layers, no launch policy of its own.
 * @throws CleanRoomError `malformed`, or `digest-mismatch` when the config is another image's
 */
export function readKernelImage(image: KernelImageFiles | KernelImageDocuments): KernelImageDocuments {
  if (isRead(image)) return image;
  const { value: manifest, digest: imageDigest } = readManifest(image.manifest);
  const { value: config, digest } = readImageConfig(image.config);
  if (manifest.config.digest !== digest || manifest.config.size !== image.config.length) {
    throw new CleanRoomError('digest-mismatch', 'The config is not the one of the kernel image.');
  }
  const layers = manifest.layers.map(layer => layer.digest);
  if (layers.join() !== config.rootfs.diff_ids.join())
    refuse('The layers of the kernel image are not the ones that its config names.');
  const { history } = config;
  if (
    history !== undefined &&
    history.filter(({ empty_layer }) => empty_layer !== true).length !== layers.length
  )
    refuse('The history of the kernel image does not fit its layers.');
  const foreign = Object.keys(config.config.Labels ?? {}).find(label => label.startsWith('tee.'));
  if (foreign !== undefined) refuse(`The kernel image brings a label ${foreign} of its own.`);
  return { manifest, config, digest: imageDigest };
}

/**
 * Config and manifest of the image that is `kernelImage` with one uncompressed layer more and the launch policy's labels.
 * @param hasher a faster SHA-256 where there is one
 */
export function imageOver(
  { manifest: base, config: own, digest: baseDigest }: KernelImageDocuments,
  layer: { readonly digest: Digest; readonly size: number },
  hasher: HasherFactory = pureSha256
): ComposedImage {
  const history = own.history && [...own.history, { created: EPOCH, created_by: CREATED_BY }];
  const config = canonicalJson({
    ...own,
    created: EPOCH,
    config: { ...own.config, Labels: { ...own.config.Labels, ...LAUNCH_POLICY_LABELS } },
    rootfs: { ...own.rootfs, diff_ids: [...own.rootfs.diff_ids, layer.digest] },
    ...(history === undefined ? {} : { history })
  });
  const imageId = digestOf(config, hasher);
  const manifest = canonicalJson({
    schemaVersion: 2,
    mediaType: MANIFEST_TYPE,
    config: { mediaType: CONFIG_TYPE, digest: imageId, size: config.length },
    layers: [...base.layers, { mediaType: LAYER_TYPE, digest: layer.digest, size: layer.size }],
    annotations: { [BASE_DIGEST]: baseDigest }
  });
  return { config, manifest, imageId, imageDigest: digestOf(manifest, hasher) };
}
