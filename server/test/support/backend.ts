import { machineOf } from '@clean-room/simulator';
import type { PkiRoot } from '@clean-room/protocol/attestation';
import type {
  AttemptPlan,
  TeeBackend,
  TeeConsole,
  TeeCapabilities,
  TeeMachine,
  TeeStatus
} from '../../src/coordinator/start.js';

/** The TEEs that tests can start. */
export const TEST_CAPABILITIES: TeeCapabilities = {
  tees: ['SIMULATED'],
  shapes: [{ tee: 'SIMULATED', name: 'test', processors: 64, memoryBytes: 256 * 1024 ** 3 }]
};

/** A backend whose TEEs do nothing by themselves: the test acts as their supervisor. */
export class ManualBackend implements TeeBackend {
  readonly sealedFor = 'simulation';
  roots: readonly PkiRoot[] = [];
  capabilities: TeeCapabilities = TEST_CAPABILITIES;
  /** The plans of all TEEs that were started, in order. */
  readonly starts: AttemptPlan[] = [];
  readonly running = new Map<string, AttemptPlan>();
  readonly ended = new Map<string, TeeStatus>();
  /** Attempts that the backend does not know for a while, although their TEEs are running. */
  readonly hidden = new Set<string>();
  /** Attempts whose TEEs cannot be stopped. */
  readonly unstoppable = new Set<string>();
  /** The output of the machines of attempts. */
  readonly consoles = new Map<string, TeeConsole>();
  /** The number of attempts in each status request. */
  readonly statusRequests: number[] = [];
  /** When set, `start` fails with this error. */
  failWith: Error | undefined;
  /** When set, the next TEE does not start and has this status instead. */
  endNextWith: Extract<TeeStatus, { state: 'ended' }> | undefined;

  async start(plan: AttemptPlan): Promise<TeeStatus> {
    if (this.failWith !== undefined) throw this.failWith;
    if (!this.running.has(plan.attempt) && !this.ended.has(plan.attempt)) {
      this.starts.push(plan);
      if (this.endNextWith === undefined) this.running.set(plan.attempt, plan);
      else this.ended.set(plan.attempt, this.endNextWith);
      this.endNextWith = undefined;
    }
    return this.#status(plan.attempt);
  }

  async statuses(attempts: readonly string[]): Promise<ReadonlyMap<string, TeeStatus>> {
    this.statusRequests.push(attempts.length);
    return new Map(attempts.map(attempt => [attempt, this.#status(attempt)]));
  }

  async console(attempt: string): Promise<TeeConsole> {
    return this.consoles.get(attempt) ?? { log: [] };
  }

  #status(attempt: string): TeeStatus {
    if (this.hidden.has(attempt)) return { state: 'unknown' };
    const ended = this.ended.get(attempt);
    if (ended !== undefined) return ended;
    return this.running.has(attempt) ? { state: 'running' } : { state: 'unknown' };
  }

  async stop(attempt: string): Promise<void> {
    if (this.unstoppable.has(attempt)) throw new Error('the machine is protected from deletion');
    this.running.delete(attempt);
    this.ended.set(attempt, { state: 'ended', reason: 'stopped' });
  }

  async list(): Promise<readonly string[]> {
    return [...this.running.keys()];
  }

  async machineOf(attempt: string): Promise<TeeMachine> {
    return machineOf(attempt);
  }
}
