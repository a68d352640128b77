import { DatabaseSync } from 'node:sqlite';
import { setTimeout } from 'node:timers/promises';
import { CleanRoomError } from '@clean-room/protocol/errors';

const PATIENCE_MS = 30_000;

/**
 * Runs `work` while no other process holds the same lock file. The lock is the operating system's, by way of an exclusive
 * SQLite file, so it falls with the process that holds it, however that ends.
 */
export async function withLock<T>(path: string, work: () => Promise<T>): Promise<T> {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    const database = new DatabaseSync(path);
    try {
      database.exec('pragma locking_mode = exclusive; begin exclusive');
    } catch (cause) {
      database.close();
      if (Date.now() > deadline) {
        throw new CleanRoomError(
          'unavailable',
          `${path} has been locked for ${PATIENCE_MS / 1000} seconds.`,
          {
            remedy: 'End the process that holds it, then try again.',
            cause
          }
        );
      }
      await setTimeout(20);
      continue;
    }
    try {
      return await work();
    } finally {
      database.close();
    }
  }
}
