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
/** Where an input goes: the supervisor's world, the sandbox's, or only the build. */
export type Part = Static<typeof Part>;
const Parts = Type.Array(Part, { minItems: 1, uniqueItems: true });

const LockedPackage = Closed({
  name: Type.String({ pattern: '^[a-z0-9][a-z0-9.+-]*$' }),
  version: Type.String({ minLength: 1 }),
  /** Below the mirror's root. */
  path: Type.String({ pattern: '^pool/main/[A-Za-z0-9._+~%/-]+\\.deb$' }),
  size: ByteCount,
  digest: DigestField,
  parts: Parts
});
export type LockedPackage = Static<typeof LockedPackage>;

const LockedWheel = Closed({
  name: Type.String({ pattern: '^[a-z0-9][a-z0-9-]*$' }),
  version: Type.String({ minLength: 1 }),
  file: Type.String({ pattern: '^[A-Za-z0-9._+!-]+\\.whl$' }),
  size: ByteCount,
  digest: DigestField,
  parts: Parts
});
export type LockedWheel = Static<typeof LockedWheel>;

/** The form of `image.lock.json`: every file that goes into a kernel image. */
export const ImageLock = Closed({
  format: Type.Literal('clean-room.kernel-image-lock/v1'),
  /** Digest of the wishes that this lock answers ({@link ReadDefinition.wanted}). */
  wanted: DigestField,
  debian: Closed({
    release: Type.String(),
    /** When the archive signed the index that the packages were chosen from. */
    indexed: Timestamp,
    /** False only if `relock` was told to go on without the archive's signature. */
    signatureChecked: Type.Boolean(),
    packages: Type.Array(LockedPackage)
  }),
  python: Closed({ version: Type.String(), wheels: Type.Array(LockedWheel) })
});
export type ImageLock = Static<typeof ImageLock>;

const RELOCK = 'Run `npm run build:kernel -- relock` and review the changed lock file.';

function refuseTwice(names: readonly string[]): void {
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined)
    throw new CleanRoomError('malformed', `The lock names ${twice} twice.`, { remedy: RELOCK });
}

function lockPath(folder: string): string {
  return join(folder, 'image.lock.json');
}

/**
 * Reads the lock and holds it against the definition beside it.
 * @throws CleanRoomError `not-found`, `malformed`, `conflict` if the definition has changed since
 */
export async function readLock({ folder, definition, wanted }: ReadDefinition): Promise<ImageLock> {
  const bytes = await readFile(lockPath(folder)).catch((cause: unknown) => {
    throw new CleanRoomError('not-found', `${definition.name} has no lock file yet.`, {
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
  refuseTwice(lock.debian.packages.map(({ name }) => name));
  refuseTwice(lock.python.wheels.map(({ name }) => name));
  return lock;
}

/** Writes a lock as sorted, readable JSON, so that its changes can be reviewed line by line. */
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
