import { PGlite } from '@electric-sql/pglite';
import { Kysely, PGliteDialect } from 'kysely';
import fs from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fromPglite, PgBoss } from 'pg-boss';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { INT8, QUEUE_UPKEEP, safeInteger, type Driver } from './driver.js';

/**
 * PGlite has no lock of its own, and two processes on one folder lose rows without a word. An exclusive SQLite file is a
 * lock of the operating system that dies with its process.
 */
function lock(folder: string): DatabaseSync {
  const file = new DatabaseSync(`${folder}.lock`);
  try {
    file.exec('pragma locking_mode = exclusive; begin exclusive');
    return file;
  } catch (cause) {
    file.close();
    throw new CleanRoomError('conflict', `Another process uses the database in ${folder}.`, {
      remedy: 'Stop the other one, or give this one a database of its own.',
      cause
    });
  }
}

interface NodeFileSystem {
  readonly NODEFS: { readonly stream_ops: { fsync?: (stream: { nfd: number }) => number } };
}

/**
 * PGlite's file system forgets `fsync` (electric-sql/pglite#1107): commits would survive the process, not a power cut.
 * The hook is private, which is why the version is pinned and a test counts the calls.
 */
function syncToDisk(pglite: PGlite): void {
  const { mod } = pglite as unknown as { mod: NodeFileSystem };
  mod.NODEFS.stream_ops.fsync = ({ nfd }) => {
    fs.fsyncSync(nfd);
    return 0;
  };
}

export async function openPglite(folder: string): Promise<Driver> {
  const dataDir = path.resolve(folder);
  fs.mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const held = lock(dataDir);
  let pglite: PGlite;
  try {
    pglite = await PGlite.create({
      dataDir,
      parsers: { [INT8]: safeInteger },
      // `-F` switches fsync off; `fdatasync` would be silently nothing on this file system.
      startParams: [
        ...PGlite.defaultStartParams.filter(parameter => parameter !== '-F'),
        '-c',
        'wal_sync_method=fsync'
      ]
    });
    syncToDisk(pglite);
  } catch (cause) {
    held.close();
    throw new CleanRoomError('unavailable', `The database in ${dataDir} can not be opened.`, {
      remedy: 'Restore a backup of the folder, or point the server at a new one.',
      cause
    });
  }
  return {
    kind: 'pglite',
    db: new Kysely<unknown>({ dialect: new PGliteDialect({ pglite }) }),
    createQueue: onError => {
      const boss = new PgBoss({ ...QUEUE_UPKEEP, db: fromPglite(pglite), backend: 'pglite' });
      boss.on('error', onError);
      return boss;
    },
    close: async () => {
      await pglite.close();
      held.close();
    }
  };
}
