import { mkdir, readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { isMissing, writeFileAtomic } from '@clean-room/node-support';
import { checkSchema, Envelope, parseStrictJson, type PublicKey } from '@clean-room/protocol/documents';
import { CleanRoomError } from '@clean-room/protocol/errors';
import {
  openRevocations,
  requireLaterRevocations,
  type KernelImageRevocations
} from '@clean-room/protocol/kernel-images';

const SUFFIX = '.json';

/** Returns the file of a release key's list. Its name is the key without the algorithm. */
function fileOf(folder: string, signer: PublicKey): string {
  return path.join(folder, `${signer.slice(signer.indexOf(':') + 1)}${SUFFIX}`);
}

async function readList(file: string): Promise<Envelope | undefined> {
  let bytes: Uint8Array;
  try {
    bytes = new Uint8Array(await readFile(file));
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
  return checkSchema(Envelope, parseStrictJson(bytes), `list of revoked kernel images in ${file}`);
}

/**
 * Returns the lists in a folder, one of each release key.
 *
 * @throws CleanRoomError `malformed` when a file is damaged
 */
export async function importedRevocations(folder: string): Promise<Envelope[]> {
  const names = await readdir(folder).catch((error: unknown) => {
    if (isMissing(error)) return [];
    throw error;
  });
  const lists = await Promise.all(
    names.filter(name => name.endsWith(SUFFIX)).map(name => readList(path.join(folder, name)))
  );
  return lists.filter(list => list !== undefined);
}

/**
 * Imports a list of revoked kernel images into a folder. A custodian that is running uses it from the next decision on.
 *
 * @param folder - the folder of imported lists
 * @param releaseKeys - the keys whose lists may be imported: those that policies name
 * @throws CleanRoomError `signature-invalid`, `forbidden` for a list of another key, `conflict` for an older list or one that
 * lost an entry. The earlier list then stays in use.
 */
export async function importRevocations(
  folder: string,
  envelope: Envelope,
  releaseKeys: readonly PublicKey[]
): Promise<KernelImageRevocations> {
  const list = openRevocations(envelope);
  const { signer } = list.value;
  if (!releaseKeys.includes(signer)) {
    throw new CleanRoomError(
      'forbidden',
      `No policy of this custodian names ${signer}, which signed the list. Nothing was imported.`,
      { remedy: 'Check that the list comes from the owner of a release key that your policies name.' }
    );
  }
  const file = fileOf(folder, signer);
  const known = await readList(file);
  if (known !== undefined) requireLaterRevocations(openRevocations(known), list);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await writeFileAtomic(file, JSON.stringify(envelope), 0o600);
  return list.value;
}
