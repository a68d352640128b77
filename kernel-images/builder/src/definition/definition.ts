import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Type, type Static } from 'typebox';
import { canonicalJson, checkSchema, Closed, parseStrictJson } from '@clean-room/protocol/documents';
import { digestOf, type Digest } from '@clean-room/protocol/bytes';
import { CleanRoomError } from '@clean-room/protocol/errors';

const Names = Type.Array(Type.String({ pattern: '^[a-z0-9][a-z0-9.+-]*$' }), { uniqueItems: true });
const Requirements = Type.Array(Type.String({ minLength: 1, maxLength: 200 }), { uniqueItems: true });
const Globs = Type.Array(Type.String({ minLength: 1 }), { uniqueItems: true });
/** The reasons for dependencies that are left out, by name. */
const Without = Type.Record(
  Type.String({ pattern: '^[a-z0-9][a-z0-9.+-]*$' }),
  Type.String({ minLength: 10 })
);

/** The schema of `image.json`, which lists the requested content of a kernel image. The lock lists the exact files. */
export const ImageDefinition = Closed({
  format: Type.Literal('clean-room.kernel-image-definition/v1'),
  name: Type.String({ pattern: '^[a-z0-9][a-z0-9-]{0,62}$' }),
  debian: Closed({
    /** Code name of a release. Only its `main` component is read, and no other suite. */
    release: Type.String({ pattern: '^[a-z]+$' }),
    outer: Names,
    jail: Names,
    without: Without
  }),
  python: Closed({
    version: Type.String({ pattern: '^3\\.\\d+$' }),
    outer: Requirements,
    jail: Requirements,
    /** Used by the build, but not part of the image. */
    build: Requirements,
    without: Without
  }),
  /** Paths in packages that the image leaves out: `*` matches within a name, `**` across folders. */
  strip: Closed({ outer: Globs, jail: Globs })
});
export type ImageDefinition = Static<typeof ImageDefinition>;

/** A definition and its folder. */
export interface ReadDefinition {
  readonly folder: string;
  readonly definition: ImageDefinition;
  /** The digest of everything that determines the packages. A lock for another digest is out of date. */
  readonly wanted: Digest;
}

/**
 * Reads `image.json` in the folder of a kernel image.
 *
 * @throws CleanRoomError `not-found`, `malformed`
 */
export async function readDefinition(folder: string): Promise<ReadDefinition> {
  const path = join(folder, 'image.json');
  const bytes = await readFile(path).catch((cause: unknown) => {
    throw new CleanRoomError('not-found', `The kernel image definition ${path} does not exist.`, { cause });
  });
  const definition = checkSchema(ImageDefinition, parseStrictJson(bytes), 'kernel image definition');
  const { debian, python } = definition;
  return { folder, definition, wanted: digestOf(canonicalJson({ debian, python })) };
}
