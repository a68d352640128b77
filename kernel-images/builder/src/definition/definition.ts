import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Type, type Static } from 'typebox';
import { canonicalJson, checkSchema, Closed, parseStrictJson } from '@clean-room/protocol/documents';
import { digestOf, type Digest } from '@clean-room/protocol/bytes';
import { CleanRoomError } from '@clean-room/protocol/errors';

const Names = Type.Array(Type.String({ pattern: '^[a-z0-9][a-z0-9.+-]*$' }), { uniqueItems: true });
const Requirements = Type.Array(Type.String({ minLength: 1, maxLength: 200 }), { uniqueItems: true });
const Globs = Type.Array(Type.String({ minLength: 1 }), { uniqueItems: true });
/** What a dependency asks for and we leave out, each with the reason. */
const Without = Type.Record(
  Type.String({ pattern: '^[a-z0-9][a-z0-9.+-]*$' }),
  Type.String({ minLength: 10 })
);

/** The form of `image.json`: what a person wants in a kernel image. The lock says what exactly that came to. */
export const ImageDefinition = Closed({
  format: Type.Literal('clean-room.kernel-image-definition/v1'),
  name: Type.String({ pattern: '^[a-z0-9][a-z0-9-]{0,62}$' }),
  debian: Closed({
    /** Code name of a release. Only its `main` component, and no suite beside it, is ever read. */
    release: Type.String({ pattern: '^[a-z]+$' }),
    outer: Names,
    jail: Names,
    without: Without
  }),
  python: Closed({
    version: Type.String({ pattern: '^3\\.\\d+$' }),
    outer: Requirements,
    jail: Requirements,
    /** Used while building, never part of the image. */
    build: Requirements,
    without: Without
  }),
  /** Paths that packages bring and the image leaves out: `*` within a name, `**` over folders. */
  strip: Closed({ outer: Globs, jail: Globs })
});
export type ImageDefinition = Static<typeof ImageDefinition>;

/** A definition with the folder that it stands in. */
export interface ReadDefinition {
  readonly folder: string;
  readonly definition: ImageDefinition;
  /** Over everything that decides which packages there are: a lock made for another digest is out of date. */
  readonly wanted: Digest;
}

/**
 * Reads `image.json` of a kernel image's folder.
 * @throws CleanRoomError `not-found`, `malformed`
 */
export async function readDefinition(folder: string): Promise<ReadDefinition> {
  const path = join(folder, 'image.json');
  const bytes = await readFile(path).catch((cause: unknown) => {
    throw new CleanRoomError('not-found', `There is no kernel image definition at ${path}.`, { cause });
  });
  const definition = checkSchema(ImageDefinition, parseStrictJson(bytes), 'kernel image definition');
  const { debian, python } = definition;
  return { folder, definition, wanted: digestOf(canonicalJson({ debian, python })) };
}
