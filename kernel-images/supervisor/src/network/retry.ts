import { setTimeout as wait } from 'node:timers/promises';

/** How long to go on trying, in milliseconds. */
export interface RetryPolicy {
  readonly totalMs: number;
  readonly firstDelayMs: number;
  readonly longestDelayMs: number;
}

/** A failure that may pass: a broken connection, a timeout, a busy or restarting server. */
export class TransientFailure extends Error {
  override readonly name = 'PassingFailure';
}

/**
 * Tries until it works, fails for good, or patience ends; the delays double. Everything tried must be idempotent.
 * @param gaveUp makes the error that is thrown when patience ends
 */
export async function retry<T>(
  patience: RetryPolicy,
  attempt: () => Promise<T>,
  gaveUp: (last: TransientFailure) => Error,
  signal?: AbortSignal
): Promise<T> {
  const end = performance.now() + patience.totalMs;
  let delay = patience.firstDelayMs;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof TransientFailure)) throw error;
      if (performance.now() + delay > end) throw gaveUp(error);
    }
    // Half of each delay is random, so that supervisors started together do not ask together.
    await wait(delay / 2 + (Math.random() * delay) / 2, undefined, signal === undefined ? {} : { signal });
    delay = Math.min(delay * 2, patience.longestDelayMs);
  }
}
