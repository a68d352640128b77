import { setTimeout as pause } from 'node:timers/promises';
import { isCleanRoomError } from '@clean-room/protocol/errors';

export interface RetryOptions {
  readonly attempts?: number;
  /** Milliseconds before the second attempt; doubled before each further one. */
  readonly firstPause?: number;
}

/** Tries again what failed for want of a connection. A verdict (a {@link isCleanRoomError} of ours) is final. */
export async function retry<T>(work: () => Promise<T>, options: RetryOptions = {}): Promise<T> {
  const { attempts = 5, firstPause = 500 } = options;
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (attempt >= attempts || (isCleanRoomError(error) && error.code !== 'unavailable')) throw error;
      await pause(firstPause * 2 ** (attempt - 1));
    }
  }
}
