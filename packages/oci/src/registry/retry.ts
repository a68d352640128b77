import { setTimeout } from 'node:timers/promises';
import { RegistryFailure } from './failure.js';

export interface RetryPolicy {
  /** How often a thing is tried in all. */
  readonly attempts: number;
  /** The first pause; each further one is twice as long. */
  readonly pauseMs: number;
}

export const DEFAULT_RETRY_POLICY: RetryPolicy = { attempts: 6, pauseMs: 200 };
const LONGEST_PAUSE_MS = 10_000;

/** Pauses before the next attempt, or throws `error` when there is no sense in one. */
export async function pauseAfter(error: unknown, attempt: number, patience: RetryPolicy): Promise<void> {
  if (!(error instanceof RegistryFailure) || !error.passing || attempt >= patience.attempts) throw error;
  // Half of it by chance, so that many who were cut off at once do not come back at once.
  const pause = Math.min(patience.pauseMs * 2 ** (attempt - 1), LONGEST_PAUSE_MS) * (0.5 + Math.random() / 2);
  await setTimeout(error.waitMs ?? pause);
}

/** Does `work` again when the connection broke off or the registry was busy. */
export async function retry<T>(patience: RetryPolicy, work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      await pauseAfter(error, attempt, patience);
    }
  }
}
