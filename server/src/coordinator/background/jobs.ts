import type { QueuePlan } from '../../platform/database/queue.js';

/**
 * Background jobs, which survive a restart. Every job is idempotent: it names an attempt or a revision, and its handler looks
 * at their present state before it acts.
 */
export type CoordinatorJobs = {
  'start-attempt': { readonly attempt: string };
  'stop-attempt': { readonly attempt: string };
  'expire-revision': { readonly submission: string; readonly revision: number };
  /** Deletes what is no longer needed. One replica does it, once an hour. */
  'clean-up': Readonly<Record<string, never>>;
};

/** Settings of each queue. When a process dies, another one continues its jobs within seconds. */
export const QUEUE_PLANS: { readonly [N in keyof CoordinatorJobs]: QueuePlan } = {
  'start-attempt': { expireInSeconds: 900, retryLimit: 100, onceWaiting: true },
  'stop-attempt': { expireInSeconds: 300, retryLimit: 100, onceWaiting: true },
  'expire-revision': { expireInSeconds: 60, retryLimit: 100, onceWaiting: true },
  'clean-up': { expireInSeconds: 900, retryLimit: 100, onceWaiting: true }
};
