import { CleanRoomError, isCleanRoomError } from '@clean-room/protocol/errors';

/** Longest time that a service may take to answer. */
const ANSWER_MS = 3000;

/**
 * Waits until a service that the server needs has answered, so that a service that never answers is not waited for.
 *
 * @param service - the service as named in messages, such as `The object store gs://data`
 * @param remedy - what to do when it does not answer
 * @param milliseconds - longest time to wait
 * @throws CleanRoomError the error of `ask` if it is one, otherwise `unavailable`; also when there is no answer in time
 */
export async function requireAnswer<T>(
  service: string,
  remedy: string,
  ask: () => Promise<T>,
  milliseconds = ANSWER_MS
): Promise<T> {
  const unavailable = (cause: unknown): CleanRoomError =>
    new CleanRoomError('unavailable', `${service} cannot be reached.`, { remedy, cause });
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(unavailable(new Error('no answer in time'))), milliseconds);
  });
  try {
    return await Promise.race([ask(), late]);
  } catch (error) {
    throw isCleanRoomError(error) ? error : unavailable(error);
  } finally {
    clearTimeout(timer);
  }
}
