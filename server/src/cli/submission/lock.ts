import path from 'node:path';
import { Type, type Static } from 'typebox';
import { writeFileAtomic } from '@clean-room/node-support';
import { checkSchema, parseStrictJson } from '@clean-room/protocol/documents';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { Spec } from '@clean-room/protocol/submissions';
import { readOptional } from '../files.js';

const { collaboration, purpose, kernelImage, parameters, assets, submitter, recipients, recovery, compute } =
  Spec.schema.properties;

/** Everything in a spec except the content of its files. Together with the files, anyone can build the spec again. */
export const LockedNotebook = Type.Object(
  {
    collaboration,
    purpose,
    kernelImage,
    parameters,
    assets,
    submitter,
    recipients,
    recovery,
    compute,
    /** The paths of the files that are submitted together with the notebook. */
    files: Type.Array(Type.String({ minLength: 1, maxLength: 1024 }), { maxItems: 10_000 })
  },
  { additionalProperties: false }
);
export type LockedNotebook = Static<typeof LockedNotebook>;

/** The contents of `clean-room.lock.json`. */
const LockFile = Type.Object(
  {
    format: Type.Literal('clean-room.lock/v1'),
    /** The notebooks by their file names. */
    notebooks: Type.Record(Type.String(), LockedNotebook)
  },
  { additionalProperties: false }
);
type LockFile = Static<typeof LockFile>;

const LOCK_FILE = 'clean-room.lock.json';

const EMPTY: LockFile = { format: 'clean-room.lock/v1', notebooks: {} };

/** Reads a folder's lock file, if it has one. */
async function readLockFile(folder: string): Promise<LockFile | undefined> {
  const file = path.join(folder, LOCK_FILE);
  const bytes = await readOptional(file);
  return bytes === undefined ? undefined : checkSchema(LockFile, parseStrictJson(bytes), `lock file ${file}`);
}

/** Quotes a word for a shell. */
function shellQuote(word: string): string {
  return /^[\w./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/**
 * Returns the pinned part of a notebook's spec.
 * @throws CleanRoomError `not-found` when the notebook has never been submitted from this folder
 */
export async function lockedNotebook(folder: string, notebook: string): Promise<LockedNotebook> {
  const lock = await readLockFile(folder);
  const locked = lock && Object.hasOwn(lock.notebooks, notebook) ? lock.notebooks[notebook] : undefined;
  if (locked !== undefined) return locked;
  const missing = lock
    ? `${LOCK_FILE} in ${folder} does not list ${notebook}`
    : `${folder} has no ${LOCK_FILE}`;
  throw new CleanRoomError('not-found', `${missing}.`, {
    remedy: `Run this command once: clean-room submit ${shellQuote(notebook)} --purpose '…' --dry-run --write-lock. It pins the datasets, policies and keys.`
  });
}

/** Adds a notebook to a folder's lock file, or replaces it there. */
export async function writeLockedNotebook(
  folder: string,
  notebook: string,
  locked: LockedNotebook
): Promise<void> {
  const before = (await readLockFile(folder)) ?? EMPTY;
  const notebooks = Object.entries({ ...before.notebooks, [notebook]: locked }).sort(([a], [b]) =>
    a < b ? -1 : 1
  );
  const lock: LockFile = { ...before, notebooks: Object.fromEntries(notebooks) };
  await writeFileAtomic(path.join(folder, LOCK_FILE), `${JSON.stringify(lock, undefined, 2)}\n`, 0o644);
}
