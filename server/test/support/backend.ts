import { machineOf } from '@clean-room/simulator';
import type { PkiRoot } from '@clean-room/protocol/attestation';
import type { AttemptPlan, TeeBackend, TeeMachine, TeeStatus } from '../../src/coordinator/start.js';

/** A backend whose TEEs do nothing by themselves: the test acts as their supervisor. */
export class ManualBackend implements TeeBackend {
  readonly sealedFor = 'simulation';
  roots: readonly PkiRoot[] = [];
  /** The plans of all TEEs that were started, in order. */
  readonly starts: AttemptPlan[] = [];
  readonly running = new Map<string, AttemptPlan>();
  readonly ended = new Map<string, TeeStatus>();
  /** When set, `start` fails with this error. */
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

  async machineOf(attempt: string): Promise<TeeMachine> {
    return machineOf(attempt);
  }
}
