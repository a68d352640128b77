import { Type, type Static, type TSchema } from 'typebox';
import { digestOf } from '../bytes/digest.js';
import { checkSchema, type ReadDocument } from '../documents/document.js';
import { parseStrictJson } from '../documents/json.js';
import { CleanRoomError } from '../errors/index.js';

/** The media type of an image manifest. */
export const MANIFEST_TYPE = 'application/vnd.oci.image.manifest.v1+json';
/** The media type of an image config. */
export const CONFIG_TYPE = 'application/vnd.oci.image.config.v1+json';
/** The media type of an uncompressed layer. */
export const LAYER_TYPE = 'application/vnd.oci.image.layer.v1.tar';

const DigestText = Type.Unsafe<`sha256:${string}`>(Type.String({ pattern: '^sha256:[0-9a-f]{64}$' }));
const closed = { additionalProperties: false } as const;

const Descriptor = Type.Object(
  { mediaType: Type.String({ maxLength: 200 }), digest: DigestText, size: Type.Integer({ minimum: 0 }) },
  closed
);

/** An OCI image manifest with uncompressed layers, and without any other fields. No other manifest is accepted. */
export const Manifest = Type.Object(
  {
    schemaVersion: Type.Literal(2),
    mediaType: Type.Literal(MANIFEST_TYPE),
    config: Type.Object({ ...Descriptor.properties, mediaType: Type.Literal(CONFIG_TYPE) }, closed),
    layers: Type.Array(
      Type.Object({ ...Descriptor.properties, mediaType: Type.Literal(LAYER_TYPE) }, closed),
      {
        maxItems: 127
      }
    ),
    annotations: Type.Optional(Type.Record(Type.String(), Type.String()))
  },
  closed
);
export type Manifest = Static<typeof Manifest>;

/** An OCI image config for linux/amd64, without fields that could change how the program starts. No other config is accepted. */
export const ImageConfig = Type.Object(
  {
    architecture: Type.Literal('amd64'),
    os: Type.Literal('linux'),
    created: Type.Optional(Type.String()),
    config: Type.Object(
      {
        User: Type.Optional(Type.String()),
        Env: Type.Optional(Type.Array(Type.String())),
        Entrypoint: Type.Array(Type.String(), { minItems: 1 }),
        WorkingDir: Type.Optional(Type.String()),
        Labels: Type.Optional(Type.Record(Type.String(), Type.String()))
      },
      closed
    ),
    rootfs: Type.Object({ type: Type.Literal('layers'), diff_ids: Type.Array(DigestText) }, closed),
    history: Type.Optional(
      Type.Array(
        Type.Object(
          {
            created: Type.Optional(Type.String()),
            created_by: Type.Optional(Type.String()),
            comment: Type.Optional(Type.String()),
            empty_layer: Type.Optional(Type.Boolean())
          },
          closed
        )
      )
    )
  },
  closed
);
export type ImageConfig = Static<typeof ImageConfig>;

/** The largest manifest or config that is read, and that registries commonly accept. Ours are a few kilobytes. */
export const MANIFEST_MAX_BYTES = 4 * 1024 ** 2;

function read<S extends TSchema>(schema: S, bytes: Uint8Array, what: string): ReadDocument<Static<S>> {
  if (bytes.length > MANIFEST_MAX_BYTES) throw new CleanRoomError('too-large', `The ${what} is over 4 MiB.`);
  return { value: checkSchema(schema, parseStrictJson(bytes), what), bytes, digest: digestOf(bytes) };
}

/**
 * Reads an image manifest.
 *
 * @throws CleanRoomError `malformed` when it is not a {@link Manifest}
 * @throws CleanRoomError `too-large` when it has more than {@link MANIFEST_MAX_BYTES}
 */
export const readManifest = (bytes: Uint8Array): ReadDocument<Manifest> =>
  read(Manifest, bytes, 'image manifest');

/**
 * Reads an image config.
 *
 * @throws CleanRoomError `malformed` when it is not an {@link ImageConfig}
 * @throws CleanRoomError `too-large` when it has more than {@link MANIFEST_MAX_BYTES}
 */
export const readImageConfig = (bytes: Uint8Array): ReadDocument<ImageConfig> =>
  read(ImageConfig, bytes, 'image config');
