/** Something that goes wrong with one call. */
export type Fault =
  /** An error answer; the call has no effect. */
  | {
      readonly kind: 'status';
      readonly code: 400 | 429 | 500 | 502 | 503;
      readonly retryAfterSeconds?: number;
    }
  /** No answer, and no effect, until the client closes the connection. */
  | { readonly kind: 'timeout' }
  /** The call has its effect, and the connection is closed before the answer. */
  | { readonly kind: 'lost-response' }
  /** The call has its effect, and the connection is closed in the middle of the answer's body. */
  | { readonly kind: 'reset' }
  /** Half of the request's body arrives, and the connection is closed without an answer. */
  | { readonly kind: 'broken-request' }
  /** The session of a resumable upload no longer exists. */
  | { readonly kind: 'lost-session' }
  /** The network delivers the request twice; the client sees the second answer. */
  | { readonly kind: 'duplicate' }
  /** The call is answered late. */
  | { readonly kind: 'latency'; readonly milliseconds: number }
  /** An accepted insert whose operation ends because the zone has no free machine. */
  | { readonly kind: 'stockout' }
  /** An accepted insert whose operation ends because the project has used its quota. */
  | { readonly kind: 'quota' };

/** A fault, and the calls that it concerns. */
export interface FaultRule {
  /** The method's name in Google's documentation, such as `compute.instances.insert`; `*` concerns all calls. */
  readonly call: string;
  readonly fault: Fault;
  /** The number of calls that first pass; default 0. */
  readonly skip?: number;
  /** The number of calls that fail after that; default 1. */
  readonly times?: number;
}

interface ActiveRule {
  readonly rule: FaultRule;
  skip: number;
  times: number;
}

/** The faults that a test has planned. Each rule counts its own calls, so a test with the same calls has the same faults. */
export class FaultPlan {
  readonly #rules: ActiveRule[] = [];
  readonly #counts = new Map<string, number>();

  /** Plans a fault. Rules apply in the order in which they were planned, one per call. */
  plan(rule: FaultRule): void {
    const operationFault = rule.fault.kind === 'stockout' || rule.fault.kind === 'quota';
    if (operationFault && rule.call !== 'compute.instances.insert') {
      throw new Error(`only compute.instances.insert has the fault ${rule.fault.kind}`);
    }
    this.#rules.push({ rule, skip: rule.skip ?? 0, times: rule.times ?? 1 });
  }

  /** Removes all planned faults. */
  clear(): void {
    this.#rules.length = 0;
  }

  /** Returns how often a call has been made. */
  count(call: string): number {
    return this.#counts.get(call) ?? 0;
  }

  /** Returns how often each call has been made. */
  counts(): ReadonlyMap<string, number> {
    return new Map(this.#counts);
  }

  /** Counts a call, and returns its fault. */
  next(call: string): Fault | undefined {
    this.#counts.set(call, this.count(call) + 1);
    for (const active of this.#rules) {
      if (active.times === 0 || (active.rule.call !== '*' && active.rule.call !== call)) continue;
      if (active.skip > 0) {
        active.skip--;
        continue;
      }
      active.times--;
      return active.rule.fault;
    }
    return undefined;
  }
}
