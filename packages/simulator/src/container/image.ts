import type { LayoutStore } from '@clean-room/oci/layout';
import { type Digest } from '@clean-room/protocol/bytes';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { readImageConfig, readManifest, type ImageConfig } from '@clean-room/protocol/packaging';

/** An image as a launcher needs it. */
export interface LaunchImage {
  readonly digest: Digest;
  /** Digest of the config: the token's `image_id`. */
  readonly id: Digest;
  readonly config: ImageConfig['config'];
  readonly layers: readonly Digest[];
}

/** @throws CleanRoomError `image-unknown`, `digest-mismatch`, `malformed`, `backend-unavailable` for a user but root */
export async function readImage(store: LayoutStore, digest: Digest): Promise<LaunchImage> {
  const manifest = readManifest(await store.readManifest(digest));
  const { config: described, layers } = manifest.value;
  const chunks: Uint8Array[] = [];
  for await (const chunk of store.readBlob(described.digest)) chunks.push(chunk);
  const config = readImageConfig(Buffer.concat(chunks));
  const digests = layers.map(layer => layer.digest);
  const { diff_ids: contents } = config.value.rootfs;
  if (contents.length !== digests.length || contents.some((content, index) => content !== digests[index])) {
    throw new CleanRoomError('malformed', 'The image’s config names other layers than its manifest.');
  }
  const { User: user = '', Entrypoint: [program = ''] = [] } = config.value.config;
  if (!['', '0', '0:0', 'root'].includes(user)) {
    throw new CleanRoomError(
      'backend-unavailable',
      `The simulator runs programs as root only, not as “${user}”.`
    );
  }
  if (!program.startsWith('/')) {
    throw new CleanRoomError('malformed', 'The image’s entrypoint is not an absolute path.');
  }
  return { digest, id: config.digest, config: config.value.config, layers: digests };
}
