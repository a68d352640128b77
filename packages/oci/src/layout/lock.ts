import { DatabaseSync } from 'node:sqlite';
import { setTimeout } from 'node:timers/promises';
import { CleanRoomError } from '@clean-room/protocol/errors';

const TIMEOUT_MS = 30_000;

/** The last waiting task of this process by lock file. Tasks of one process queue here instead of polling against each other. */
const queues = new Map<string, Promise<unknown>>();

/** @throws CleanRoomError `unavailable` if another process keeps the lock for too long */
async function lock(path: string): Promise<DatabaseSync> {
  const deadline = Date.now() + TIMEOUT_MS;
  for (let delayMs = 1; ; delayMs = Math.min(delayMs * 2, 50)) {
    const database = new DatabaseSync(path);
    try {
      // Nothing is ever written to the database, so it needs no journal on disk.
      database.exec(
        'pragma journal_mode = memory; pragma synchronous = off; pragma locking_mode = exclusive; begin exclusive'
      );
      return database;
    } catch (cause) {
      database.close();
      if (Date.now() > deadline) {
        throw new CleanRoomError(
          'unavailable',
          `Another process has locked ${path} for ${TIMEOUT_MS / 1000} seconds.`,
          { remedy: 'End that process, then try again.', cause }
        );
      }
      await setTimeout(delayMs);
    }
  }
}

async function runLocked<T>(path: string, work: () => Promise<T>): Promise<T> {
  const database = await lock(path);
  try {
    return await work();
  } finally {
    database.close();
  }
}

/**
 * Runs `work` while no other work, in this or another process, holds the same lock file. The lock is the operating
 * system's lock of an SQLite file, so it is released when the process ends, even if the process is killed.
 *
 * @throws CleanRoomError `unavailable`
 */
export async function withLock<T>(path: string, work: () => Promise<T>): Promise<T> {
  const before = queues.get(path) ?? Promise.resolve();
  const turn = before.then(() => runLocked(path, work));
  const done = turn.catch(() => undefined);
  queues.set(path, done);
  try {
    return await turn;
  } finally {
    if (queues.get(path) === done) queues.delete(path);
  }
}
