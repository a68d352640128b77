import type { ImageStore } from '@clean-room/oci';
import { type Digest } from '@clean-room/protocol/bytes';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { readManifest } from '@clean-room/protocol/packaging';
import { Type, type Static } from 'typebox';
import { Value } from 'typebox/value';

const Texts = Type.Union([Type.Array(Type.String()), Type.Null()]);

/** The part of an image's config that a launcher reads. Other fields have no effect on a launch. */
const RunnableConfig = Type.Object({
  config: Type.Object({
    User: Type.Optional(Type.String()),
    Env: Type.Optional(Texts),
    Entrypoint: Type.Optional(Texts),
    Cmd: Type.Optional(Texts),
    WorkingDir: Type.Optional(Type.String()),
    Labels: Type.Optional(Type.Union([Type.Record(Type.String(), Type.String()), Type.Null()]))
  }),
  rootfs: Type.Object({ diff_ids: Type.Array(Type.String()) })
});

/** How an image starts its program. */
export type RunConfig = Static<typeof RunnableConfig>['config'];

/** The facts about an image that a launcher needs. */
export interface LaunchImage {
  readonly digest: Digest;
  /** Digest of the config, the token's `image_id`. */
  readonly id: Digest;
  readonly config: RunConfig;
  readonly layers: readonly Digest[];
}

/**
 * Reads an image from a layout folder or a registry.
 *
 * @throws CleanRoomError `image-unknown`, `digest-mismatch`, `malformed`, `registry-failed`, `backend-unavailable` if the image's
 * program does not run as root
 */
export async function readImage(store: ImageStore, digest: Digest): Promise<LaunchImage> {
  const manifest = readManifest(await store.readManifest(digest));
  const { config: described, layers } = manifest.value;
  const chunks: Uint8Array[] = [];
  for await (const chunk of store.readBlob(described.digest)) chunks.push(chunk);
  const { config, rootfs } = readConfig(Buffer.concat(chunks));
  const digests = layers.map(layer => layer.digest);
  const { diff_ids: diffIds } = rootfs;
  if (diffIds.length !== digests.length || diffIds.some((diffId, index) => diffId !== digests[index])) {
    throw new CleanRoomError('malformed', 'The image’s config and manifest name different layers.');
  }
  const { User: user = '' } = config;
  if (!['', '0', '0:0', 'root'].includes(user)) {
    throw new CleanRoomError(
      'backend-unavailable',
      `The simulator can run programs only as root, not as “${user}”.`
    );
  }
  return { digest, id: described.digest, config, layers: digests };
}

function readConfig(bytes: Buffer): Static<typeof RunnableConfig> {
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString('utf8'));
  } catch (cause) {
    throw new CleanRoomError('malformed', 'The image’s config is not JSON.', { cause });
  }
  if (!Value.Check(RunnableConfig, value))
    throw new CleanRoomError('malformed', 'The image’s config is not valid.');
  return value;
}
