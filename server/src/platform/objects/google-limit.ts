import { CleanRoomError } from '@clean-room/protocol/errors';

/** Longest time to wait for Google Cloud Storage, repetitions of Google's library included. */
const ANSWER_MS = 60_000;

/**
 * Waits for Google Cloud Storage, but not for ever. Google's library has no limit of its own: its option `timeout` has no effect
 * (seen in version 8.4), and a request that is never answered would keep its caller waiting.
 *
 * @param ask - calls the library
 * @param milliseconds - longest time to wait
 * @throws the error of `ask`; CleanRoomError `unavailable` when there is no answer in time
 */
export async function limited<T>(ask: () => Promise<T>, milliseconds = ANSWER_MS): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      const seconds = milliseconds / 1000;
      reject(
        new CleanRoomError('unavailable', `Google Cloud Storage did not answer within ${seconds} seconds.`, {
          remedy: 'Try again.'
        })
      );
    }, milliseconds);
  });
  try {
    return await Promise.race([ask(), late]);
  } finally {
    clearTimeout(timer);
  }
}
