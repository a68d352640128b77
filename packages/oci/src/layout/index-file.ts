import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Type, type Static } from 'typebox';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { DigestField, checkSchema } from '@clean-room/protocol/documents';
import { placing, syncDirectory } from './draft.js';
import { isMissing } from '../system-error.js';

const INDEX_FILE = 'index.json';
export const REFERENCE_NAME = 'org.opencontainers.image.ref.name';

/** Read leniently: other tools put more into an index than we do, and it identifies nothing. */
const Index = Type.Object({
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
export type Index = Static<typeof Index>;

/** @throws CleanRoomError `malformed` */
export async function readLayoutIndex(folder: string): Promise<Index> {
  let value: unknown;
  try {
    value = JSON.parse(await readFile(join(folder, INDEX_FILE), 'utf8'));
  } catch (cause) {
    if (isMissing(cause)) return { schemaVersion: 2, manifests: [] };
    throw new CleanRoomError('malformed', `The image index in ${folder} can't be read.`, { cause });
  }
  return checkSchema(Index, value, 'image index');
}

/**
 * @param blobs the folder of what the index names: it is on the disk before the index is in place, so that the index does not
 * outlast a power cut that they did not
 */
export async function writeLayoutIndex(folder: string, index: Index, blobs: string): Promise<void> {
  await placing(folder, async drafts => {
    const path = join(folder, INDEX_FILE);
    const content = JSON.stringify(index, null, 2);
    await drafts.write(async file => ({ path, result: await file.writeFile(content) }));
    await syncDirectory(blobs);
  });
  await syncDirectory(folder);
}
