import { retry, type RetryPolicy } from '@clean-room/node-support';

/** An error that may disappear by itself, such as a broken connection, a timeout, or a busy or restarting server. */
export class TransientFailure extends Error {
  override readonly name = 'TransientFailure';
}

/**
 * Calls `operation` until it succeeds or fails with another error than `TransientFailure`. The operation must be
 * idempotent.
 *
 * @param gaveUp - returns the error to throw when the policy allows no further attempt
 */
export async function retryTransient<T>(
  policy: RetryPolicy,
  operation: () => Promise<T>,
  gaveUp: (last: TransientFailure) => Error,
  signal?: AbortSignal
): Promise<T> {
  try {
    return await retry(policy, operation, {
      isTransient: error => error instanceof TransientFailure,
      ...(signal === undefined ? {} : { signal })
    });
  } catch (error) {
    throw error instanceof TransientFailure ? gaveUp(error) : error;
  }
}
