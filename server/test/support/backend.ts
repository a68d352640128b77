import type { AttemptPlan, TeeStatus, TeeBackend } from '../../src/coordinator/start.js';

/** TEEs that are started, and then do nothing by themselves: the test plays the supervisor. */
export class StillBackend implements TeeBackend {
  readonly sealedFor = 'simulation';
  /** One for each TEE that has come to be. */
  readonly starts: AttemptPlan[] = [];
  readonly running = new Map<string, AttemptPlan>();
  readonly ended = new Map<string, TeeStatus>();
  failWith: Error | undefined;

  async start(plan: AttemptPlan): Promise<void> {
    if (this.failWith !== undefined) throw this.failWith;
    if (this.running.has(plan.attempt) || this.ended.has(plan.attempt)) return;
    this.starts.push(plan);
    this.running.set(plan.attempt, plan);
  }

  async status(attempt: string): Promise<TeeStatus> {
    const ended = this.ended.get(attempt);
    if (ended !== undefined) return ended;
    return this.running.has(attempt) ? { state: 'running' } : { state: 'unknown' };
  }

  async stop(attempt: string): Promise<void> {
    this.running.delete(attempt);
    this.ended.set(attempt, { state: 'ended', code: 'run-failed' });
  }
}
