import type { LayoutStore } from '@clean-room/oci/layout';
import { type Digest } from '@clean-room/protocol/bytes';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { readImageConfig, readManifest, type ImageConfig } from '@clean-room/protocol/packaging';

/** The facts about an image that a launcher needs. */
export interface LaunchImage {
  readonly digest: Digest;
  /** Digest of the config, the token's `image_id`. */
  readonly id: Digest;
  readonly config: ImageConfig['config'];
  readonly layers: readonly Digest[];
}

/**
 * Reads an image from a layout folder.
 *
 * @throws CleanRoomError `image-unknown`, `digest-mismatch`, `malformed`, `backend-unavailable` if the image's program does not
 * run as root
 */
export async function readImage(store: LayoutStore, digest: Digest): Promise<LaunchImage> {
  const manifest = readManifest(await store.readManifest(digest));
  const { config: described, layers } = manifest.value;
  const chunks: Uint8Array[] = [];
  for await (const chunk of store.readBlob(described.digest)) chunks.push(chunk);
  const config = readImageConfig(Buffer.concat(chunks));
  const digests = layers.map(layer => layer.digest);
  const { diff_ids: diffIds } = config.value.rootfs;
  if (diffIds.length !== digests.length || diffIds.some((diffId, index) => diffId !== digests[index])) {
    throw new CleanRoomError('malformed', 'The image’s config and manifest name different layers.');
  }
  const { User: user = '', Entrypoint: entrypoint } = config.value.config;
  if (!['', '0', '0:0', 'root'].includes(user)) {
    throw new CleanRoomError(
      'backend-unavailable',
      `The simulator can run programs only as root, not as “${user}”.`
    );
  }
  if (entrypoint[0]?.startsWith('/') !== true) {
    throw new CleanRoomError('malformed', 'The image’s entrypoint is not an absolute path.');
  }
  return { digest, id: config.digest, config: config.value.config, layers: digests };
}
