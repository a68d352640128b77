import { setTimeout as wait } from 'node:timers/promises';

/** How often an operation is tried, and how long to wait between attempts. Times are in milliseconds. */
export interface RetryPolicy {
  /** Delay after the first failure. Each further delay is twice as long. */
  readonly firstDelayMs: number;
  readonly longestDelayMs: number;
  /** Maximum number of attempts, unlimited by default. */
  readonly attempts?: number;
  /** Maximum time from the first attempt to the start of the last one, unlimited by default. */
  readonly totalMs?: number;
}

export interface RetryOptions {
  /** Returns whether the error may disappear by itself, such as a broken connection or a busy server. */
  readonly isTransient: (error: unknown) => boolean;
  /** Returns the delay that the server asked for, in milliseconds, if it asked for one. */
  readonly requestedDelayMs?: (error: unknown) => number | undefined;
  /** Stops the retries: a running delay ends with an AbortError. */
  readonly signal?: AbortSignal;
}

/**
 * Returns the delay after failed attempt number `attempt` (from 1), in milliseconds. Half of it is random, so that
 * programs that failed at the same time do not retry at the same time.
 */
export function retryDelayMs(policy: RetryPolicy, attempt: number): number {
  const delay = Math.min(policy.firstDelayMs * 2 ** (attempt - 1), policy.longestDelayMs);
  return delay * (0.5 + Math.random() / 2);
}

/**
 * Calls `operation` until it succeeds. The operation must be idempotent.
 *
 * @returns the result of the first successful attempt
 * @throws the error of the last attempt, when it is not transient or the policy allows no further attempt
 * @throws AbortError when `options.signal` is aborted during a delay
 *
 * @example
 * ```ts
 * import { retry } from '@clean-room/node-support';
 *
 * let calls = 0;
 * const answer = await retry(
 *   { attempts: 3, firstDelayMs: 1, longestDelayMs: 10 },
 *   async () => {
 *     calls += 1;
 *     if (calls < 3) throw new Error('busy');
 *     return 'done';
 *   },
 *   { isTransient: () => true }
 * );
 * console.log(answer, calls); // done 3
 * ```
 */
export async function retry<T>(
  policy: RetryPolicy,
  operation: () => Promise<T>,
  options: RetryOptions
): Promise<T> {
  const { attempts = Infinity, totalMs = Infinity } = policy;
  const end = performance.now() + totalMs;
  for (let attempt = 1; ; attempt++) {
    try {
      return await operation();
    } catch (error) {
      const delay = options.requestedDelayMs?.(error) ?? retryDelayMs(policy, attempt);
      const spent = attempt >= attempts || performance.now() + delay > end;
      if (spent || !options.isTransient(error)) throw error;
      await wait(delay, undefined, options.signal === undefined ? {} : { signal: options.signal });
    }
  }
}
