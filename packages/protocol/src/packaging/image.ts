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
 * Labels that tell Google's launcher what the operator of a TEE may change (the launch policy of go-tpm-tools): only the
 * variable `CLEAN_ROOM_JOB`. Labels are part of the config, so pinning an image digest pins them too.
 */
export const LAUNCH_POLICY_LABELS = {
  'tee.launch_policy.allow_env_override': 'CLEAN_ROOM_JOB',
  'tee.launch_policy.debug_monitoring': 'none',
  'tee.launch_policy.hardened_monitoring': 'none',
  'tee.launch_policy.log_redirect': 'never'
} as const;

const EPOCH = '1970-01-01T00:00:00Z';
const BASE_DIGEST = 'org.opencontainers.image.base.digest';
const CREATED_BY = 'clean-room: spec and workspace of one revision';

/** The bytes of an image's manifest and config. */
export interface ImageFiles {
  readonly manifest: Uint8Array;
  readonly config: Uint8Array;
}
/** The manifest and config of a kernel image. The image digest of a revision can be computed without the kernel image's layers. */
export type KernelImageFiles = ImageFiles;

/** The manifest and config of a composed image, with their digests. */
export interface ComposedImage extends ImageFiles {
  /** The digest of the config. Attestation tokens call it `image_id`. */
  readonly imageId: Digest;
  /** The digest of the manifest, which identifies the program. */
  readonly imageDigest: Digest;
}

/** A kernel image that {@link readKernelImage} has read and checked. */
export interface KernelImageDocuments {
  readonly manifest: Manifest;
  readonly config: ImageConfig;
  readonly digest: Digest;
}

function malformed(message: string): CleanRoomError {
  return new CleanRoomError('malformed', message);
}

function isRead(image: KernelImageFiles | KernelImageDocuments): image is KernelImageDocuments {
  return !(image.manifest instanceof Uint8Array);
}

/**
 * Reads and checks a kernel image. It must be simple enough for all runtimes to understand it in the same way: uncompressed
 * layers, whose digests are also the diff IDs; one history entry for each layer, if there is a history; no launch policy.
 *
 * @param image - its manifest and config; a result of this function is returned as it is
 * @throws CleanRoomError `malformed` when it is not such an image
 * @throws CleanRoomError `digest-mismatch` when the manifest refers to another config
 */
export function readKernelImage(image: KernelImageFiles | KernelImageDocuments): KernelImageDocuments {
  if (isRead(image)) return image;
  const { value: manifest, digest: imageDigest } = readManifest(image.manifest);
  const { value: config, digest } = readImageConfig(image.config);
  if (manifest.config.digest !== digest || manifest.config.size !== image.config.length) {
    throw new CleanRoomError('digest-mismatch', 'The manifest of the kernel image refers to another config.');
  }
  const layers = manifest.layers.map(layer => layer.digest);
  if (layers.join() !== config.rootfs.diff_ids.join())
    throw malformed('The layers in the manifest of the kernel image are not those in its config.');
  const { history } = config;
  if (
    history !== undefined &&
    history.filter(({ empty_layer }) => empty_layer !== true).length !== layers.length
  )
    throw malformed('The history of the kernel image does not have one entry for each layer.');
  const foreign = Object.keys(config.config.Labels ?? {}).find(label => label.startsWith('tee.'));
  if (foreign !== undefined)
    throw malformed(`The kernel image has the label ${foreign}, which only composed images may have.`);
  return { manifest, config, digest: imageDigest };
}

/**
 * Returns config and manifest of an image that consists of a kernel image, one more uncompressed layer, and the labels of our
 * launch policy. Both are canonical JSON.
 *
 * @param hasher - a faster SHA-256, where the platform has one
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
