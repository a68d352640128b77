import { PGlite } from '@electric-sql/pglite';
import { Kysely, PGliteDialect } from 'kysely';
import fs from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fromPglite, PgBoss } from 'pg-boss';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { INT8, QUEUE_OPTIONS, safeInteger, type Driver } from './driver.js';

/**
 * Locks the folder of a PGlite database. PGlite has no lock of its own, and two processes on one folder silently lose rows.
 * The operating system releases the exclusive lock on an SQLite file when its process ends.
 */
function lock(folder: string): DatabaseSync {
  const file = new DatabaseSync(`${folder}.lock`);
  try {
    file.exec('pragma locking_mode = exclusive; begin exclusive');
    return file;
  } catch (cause) {
    file.close();
    throw new CleanRoomError('conflict', `Another process uses the database in ${folder}.`, {
      remedy: 'Stop the other process, or configure another database folder for this one.',
      cause
    });
  }
}

interface NodeFileSystem {
  readonly NODEFS: { readonly stream_ops: { fsync?: (stream: { nfd: number }) => number } };
}

/**
 * Makes commits survive a power cut. PGlite's file system ignores `fsync` (electric-sql/pglite#1107). The hook is private,
 * so the version of PGlite is pinned and a test counts the calls.
 */
function syncToDisk(pglite: PGlite): void {
  const { mod } = pglite as unknown as { mod: NodeFileSystem };
  mod.NODEFS.stream_ops.fsync = ({ nfd }) => {
    fs.fsyncSync(nfd);
    return 0;
  };
}

/**
 * Opens a PGlite database, and creates its folder if needed.
 *
 * @throws CleanRoomError `conflict` when another process uses the folder, `unavailable` when it cannot be opened
 */
export async function openPglite(folder: string): Promise<Driver> {
  const dataDir = path.resolve(folder);
  const unusable = (cause: unknown): CleanRoomError =>
    new CleanRoomError('unavailable', `The database in ${dataDir} cannot be opened.`, {
      remedy: 'Restore a backup of the folder, or configure a new folder.',
      cause
    });
  try {
    fs.mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw unusable(cause);
  }
  const folderLock = lock(dataDir);
  let pglite: PGlite;
  try {
    pglite = await PGlite.create({
      dataDir,
      parsers: { [INT8]: safeInteger },
      // `-F` switches fsync off. `fdatasync` does nothing on this file system, and reports no error.
      startParams: [
        ...PGlite.defaultStartParams.filter(parameter => parameter !== '-F'),
        '-c',
        'wal_sync_method=fsync'
      ]
    });
    syncToDisk(pglite);
  } catch (cause) {
    folderLock.close();
    throw unusable(cause);
  }
  return {
    kind: 'pglite',
    db: new Kysely<unknown>({ dialect: new PGliteDialect({ pglite }) }),
    createQueue: onError => {
      const boss = new PgBoss({ ...QUEUE_OPTIONS, db: fromPglite(pglite), backend: 'pglite' });
      boss.on('error', onError);
      return boss;
    },
    close: async () => {
      await pglite.close();
      folderLock.close();
    }
  };
}
