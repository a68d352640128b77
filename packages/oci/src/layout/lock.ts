import { DatabaseSync } from 'node:sqlite';
import { setTimeout } from 'node:timers/promises';
import { CleanRoomError } from '@clean-room/protocol/errors';

const PATIENCE_MS = 30_000;

/** Work of this process that waits for each lock: it queues here and does not poll against itself. */
const queues = new Map<string, Promise<unknown>>();

/** @throws CleanRoomError `unavailable` when another process keeps the lock for too long */
async function lock(path: string): Promise<DatabaseSync> {
  const deadline = Date.now() + PATIENCE_MS;
  for (let pause = 1; ; pause = Math.min(pause * 2, 50)) {
    const database = new DatabaseSync(path);
    try {
      // Nothing is written, so there is nothing that a journal on the disk would be for.
      database.exec(
        'pragma journal_mode = memory; pragma synchronous = off; pragma locking_mode = exclusive; begin exclusive'
      );
      return database;
    } catch (cause) {
      database.close();
      if (Date.now() > deadline) {
        throw new CleanRoomError(
          'unavailable',
          `${path} has been locked for ${PATIENCE_MS / 1000} seconds.`,
          { remedy: 'End the process that holds it, then try again.', cause }
        );
      }
      await setTimeout(pause);
    }
  }
}

async function locked<T>(path: string, work: () => Promise<T>): Promise<T> {
  const database = await lock(path);
  try {
    return await work();
  } finally {
    database.close();
  }
}

/**
 * Runs `work` while no other work, here or in another process, holds the same lock file. The lock is the operating
 * system's, by way of an exclusive SQLite file, so it falls with the process that holds it, however that ends.
 * @throws CleanRoomError `unavailable`
 */
export async function withLock<T>(path: string, work: () => Promise<T>): Promise<T> {
  const before = queues.get(path) ?? Promise.resolve();
  const turn = before.then(() => locked(path, work));
  const done = turn.catch(() => undefined);
  queues.set(path, done);
  try {
    return await turn;
  } finally {
    if (queues.get(path) === done) queues.delete(path);
  }
}
