import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Type, type Static } from 'typebox';
import { isMissing, syncDirectory, writeFileAtomic } from '@clean-room/node-support';
import { DigestField, checkSchema } from '@clean-room/protocol/documents';
import { CleanRoomError } from '@clean-room/protocol/errors';

const INDEX_FILE = 'index.json';

/** The annotation that holds an image's tag in an index. */
export const REFERENCE_NAME = 'org.opencontainers.image.ref.name';

/** The index of a layout folder. Unknown fields are allowed: other tools add some, and nothing is identified by the index. */
const LayoutIndex = Type.Object({
  schemaVersion: Type.Literal(2),
  manifests: Type.Array(
    Type.Object({
      mediaType: Type.String(),
      digest: DigestField,
      size: Type.Integer(),
      annotations: Type.Optional(Type.Record(Type.String(), Type.String()))
    })
  )
});
export type LayoutIndex = Static<typeof LayoutIndex>;

/**
 * Reads the index of a layout folder; without an index file, the index is empty.
 *
 * @throws CleanRoomError `malformed`
 */
export async function readLayoutIndex(folder: string): Promise<LayoutIndex> {
  let value: unknown;
  try {
    value = JSON.parse(await readFile(join(folder, INDEX_FILE), 'utf8'));
  } catch (cause) {
    if (isMissing(cause)) return { schemaVersion: 2, manifests: [] };
    throw new CleanRoomError('malformed', `The image index in ${folder} cannot be read.`, { cause });
  }
  return checkSchema(LayoutIndex, value, 'image index');
}

/**
 * Replaces the index of a layout folder.
 *
 * @param blobs - the folder of the blobs that the index names. It is flushed first, so that after a power cut the index never
 * names a blob that was lost.
 */
export async function writeLayoutIndex(folder: string, index: LayoutIndex, blobs: string): Promise<void> {
  await syncDirectory(blobs);
  await writeFileAtomic(join(folder, INDEX_FILE), JSON.stringify(index, null, 2), 0o644);
}
