import path from 'node:path';
import { Type, type Static } from 'typebox';
import { checkSchema, parseStrictJson } from '@clean-room/protocol/documents';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { Spec } from '@clean-room/protocol/submissions';
import { writeFileAtomic } from '@clean-room/node-support';
import { readOptional } from '../home/home.js';

const { collaboration, purpose, kernelImage, parameters, assets, submitter, recipients, recovery, compute } =
  Spec.schema.properties;

/** All of a spec but the bytes of its files: with the files beside it, the spec can be built again by anyone. */
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
    /** Paths beside the notebook's own. */
    files: Type.Array(Type.String({ minLength: 1, maxLength: 1024 }), { maxItems: 10_000 })
  },
  { additionalProperties: false }
);
export type LockedNotebook = Static<typeof LockedNotebook>;

export const LockFile = Type.Object(
  {
    format: Type.Literal('clean-room.lock/v1'),
    /** By file name. */
    notebooks: Type.Record(Type.String(), LockedNotebook)
  },
  { additionalProperties: false }
);
export type LockFile = Static<typeof LockFile>;

export const LOCK_FILE = 'clean-room.lock.json';

const EMPTY: LockFile = { format: 'clean-room.lock/v1', notebooks: {} };

/** @returns nothing where there is none */
export async function readLockFile(folder: string): Promise<LockFile | undefined> {
  const file = path.join(folder, LOCK_FILE);
  const bytes = await readOptional(file);
  return bytes === undefined ? undefined : checkSchema(LockFile, parseStrictJson(bytes), `lock file ${file}`);
}

/** A word as a shell takes it. */
function quoted(word: string): string {
  return /^[\w./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/** @throws CleanRoomError `not-found` when the notebook has never been submitted from here */
export async function lockedNotebook(folder: string, notebook: string): Promise<LockedNotebook> {
  const lock = await readLockFile(folder);
  const locked = lock && Object.hasOwn(lock.notebooks, notebook) ? lock.notebooks[notebook] : undefined;
  if (locked !== undefined) return locked;
  const lacking = lock
    ? `${LOCK_FILE} in ${folder} does not name ${notebook}`
    : `${folder} has no ${LOCK_FILE}`;
  throw new CleanRoomError('not-found', `${lacking}.`, {
    remedy: `Run once: clean-room submit ${quoted(notebook)} --purpose '…' --dry-run --write-lock. It pins datasets, policies and keys.`
  });
}

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
