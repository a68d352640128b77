import type { RetryPolicy } from '@clean-room/node-support';
import { CleanRoomError, isCleanRoomError } from '@clean-room/protocol/errors';

/** How downloads are retried: 5 attempts within about 8 seconds. */
export const DOWNLOAD_RETRY: RetryPolicy = { attempts: 5, firstDelayMs: 500, longestDelayMs: 8000 };

/** Returns whether a download may succeed later. All errors of ours are final, except that a server cannot be reached. */
export function isTransientError(error: unknown): boolean {
  return !isCleanRoomError(error) || error.code === 'unavailable';
}

/**
 * Returns the error for a locked file that its source no longer has.
 *
 * @param title - the name of the file for people
 */
export function inputMissing(title: string, source: string, cause?: unknown): CleanRoomError {
  return new CleanRoomError(
    'not-found',
    `${title} is locked for this image, but ${source} no longer has it.`,
    {
      cause,
      remedy:
        'Run `npm run build:kernel -- relock` to lock the files that exist now, or configure a source that still has it ' +
        '(CLEAN_ROOM_DEBIAN_MIRROR for Debian packages, your pip configuration for wheels).',
      details: { input: title }
    }
  );
}

/** Returns the error for a downloaded file that is not the locked one. */
export function inputChanged(title: string, options: { cause?: unknown; details?: Record<string, string> }) {
  return new CleanRoomError(
    'digest-mismatch',
    `The file downloaded for ${title} is not the one that the lock names. It was not used.`,
    {
      remedy: 'If its source has replaced the file intentionally, relock. Otherwise find out who changed it.',
      ...options
    }
  );
}
