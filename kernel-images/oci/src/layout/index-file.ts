import { randomUUID } from 'node:crypto';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Type, type Static } from 'typebox';
import { checkSchema } from '@clean-room/protocol/documents';
import { isMissing } from './missing.js';

export const REFERENCE_NAME = 'org.opencontainers.image.ref.name';

/** Read leniently: other tools put more into an index than we do, and it identifies nothing. */
const Index = Type.Object({
  schemaVersion: Type.Literal(2),
  manifests: Type.Array(
    Type.Object({
      mediaType: Type.String(),
      digest: Type.Unsafe<`sha256:${string}`>(Type.String({ pattern: '^sha256:[0-9a-f]{64}$' })),
      size: Type.Integer(),
      annotations: Type.Optional(Type.Record(Type.String(), Type.String()))
    })
  )
});
export type Index = Static<typeof Index>;

export async function readIndex(folder: string): Promise<Index> {
  const text = await readFile(join(folder, 'index.json'), 'utf8').catch((error: unknown) => {
    if (isMissing(error)) return undefined;
    throw error;
  });
  return text === undefined
    ? { schemaVersion: 2, manifests: [] }
    : checkSchema(Index, JSON.parse(text), 'image index');
}

export async function writeIndex(folder: string, index: Index): Promise<void> {
  const draft = join(folder, `.index-${randomUUID()}`);
  await writeFile(draft, JSON.stringify(index, null, 2), { flush: true });
  await rename(draft, join(folder, 'index.json'));
}
