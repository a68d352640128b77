import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Type, type Static } from 'typebox';
import {
  ByteCount,
  checkSchema,
  Closed,
  DigestField,
  parseStrictJson,
  Timestamp
} from '@clean-room/protocol/documents';
import { utf8 } from '@clean-room/protocol/bytes';
import { CleanRoomError } from '@clean-room/protocol/errors';
import type { ReadDefinition } from './definition.js';

const Part = Type.Union([Type.Literal('outer'), Type.Literal('jail'), Type.Literal('build')]);
/** The part of the image for which an input is used: the supervisor's system, the jail, or only the build. */
export type Part = Static<typeof Part>;
const Parts = Type.Array(Part, { minItems: 1, uniqueItems: true });

const LockedPackage = Closed({
  name: Type.String({ pattern: '^[a-z0-9][a-z0-9.+-]*$' }),
  version: Type.String({ minLength: 1 }),
  /** Relative to the mirror's root. */
  path: Type.String({ pattern: '^pool/main/[A-Za-z0-9._+~%/-]+\\.deb$' }),
  size: ByteCount,
  digest: DigestField,
  parts: Parts
});
/** A Debian package in a lock. */
export type LockedPackage = Static<typeof LockedPackage>;

const LockedWheel = Closed({
  name: Type.String({ pattern: '^[a-z0-9][a-z0-9-]*$' }),
  version: Type.String({ minLength: 1 }),
  file: Type.String({ pattern: '^[A-Za-z0-9._+!-]+\\.whl$' }),
  size: ByteCount,
  digest: DigestField,
  parts: Parts
});
/** A Python wheel in a lock. */
export type LockedWheel = Static<typeof LockedWheel>;

/** The schema of `image.lock.json`, which lists every file that a kernel image is made of. */
export const ImageLock = Closed({
  format: Type.Literal('clean-room.kernel-image-lock/v1'),
  /** The digest of the definition for which this lock was made ({@link ReadDefinition.wanted}). */
  wanted: DigestField,
  debian: Closed({
    release: Type.String(),
    /** The date of the index from which the packages were chosen. */
    indexed: Timestamp,
    /** False only if `relock` ran with `--without-signature`. */
    signatureChecked: Type.Boolean(),
    packages: Type.Array(LockedPackage)
  }),
  python: Closed({ version: Type.String(), wheels: Type.Array(LockedWheel) })
});
export type ImageLock = Static<typeof ImageLock>;

const RELOCK = 'Run `npm run build:kernel -- relock` and review the changed lock file.';

/** @throws CleanRoomError `malformed` if a name occurs twice */
function requireUnique(names: readonly string[]): void {
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined)
    throw new CleanRoomError('malformed', `The lock contains ${twice} twice.`, { remedy: RELOCK });
}

function lockPath(folder: string): string {
  return join(folder, 'image.lock.json');
}

/**
 * Reads the lock of a definition.
 *
 * @throws CleanRoomError `not-found`, `malformed`, `conflict` if the definition has changed since the lock was made
 */
export async function readLock({ folder, definition, wanted }: ReadDefinition): Promise<ImageLock> {
  const bytes = await readFile(lockPath(folder)).catch((cause: unknown) => {
    throw new CleanRoomError('not-found', `${definition.name} does not have a lock file yet.`, {
      cause,
      remedy: RELOCK
    });
  });
  const lock = checkSchema(ImageLock, parseStrictJson(bytes), 'lock file');
  if (lock.wanted !== wanted) {
    throw new CleanRoomError('conflict', `The lock of ${definition.name} was made for another definition.`, {
      remedy: RELOCK
    });
  }
  requireUnique(lock.debian.packages.map(({ name }) => name));
  requireUnique(lock.python.wheels.map(({ name }) => name));
  return lock;
}

/** Writes a lock as sorted, indented JSON, so that people can review its changes line by line. */
export async function writeLock(folder: string, lock: ImageLock): Promise<void> {
  const sorted = <T extends { name: string }>(list: readonly T[]): T[] =>
    [...list].sort((a, b) => (a.name < b.name ? -1 : 1));
  const whole: ImageLock = {
    ...lock,
    debian: { ...lock.debian, packages: sorted(lock.debian.packages) },
    python: { ...lock.python, wheels: sorted(lock.python.wheels) }
  };
  checkSchema(ImageLock, whole, 'lock file');
  await writeFile(lockPath(folder), utf8(`${JSON.stringify(whole, null, 2)}\n`));
}
