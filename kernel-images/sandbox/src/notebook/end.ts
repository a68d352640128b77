import type { WardenOutcome } from '../warden/process.js';
import type { WardenWhy } from '../warden/status.js';

/** Reasons of the supervisor's own: the warden was only told to kill. */
export type SandboxEndReason =
  | 'closed' // all cells are done
  | 'cell-time' // a cell went on after its time and an interrupt
  | 'output' // more output than a cell may have
  | 'protocol' // the sandbox broke the protocol of its frames
  | 'killed'; // the run was given up

/** How the sandbox ended, as seen from outside it. */
export interface SandboxEnd {
  readonly why: SandboxEndReason | WardenWhy | 'warden-lost';
  /** Exit code of the interpreter; null when a signal ended it. */
  readonly code: number | null;
  readonly signal: number | null;
  readonly seconds: number;
  /** Bytes of all processes together at the samples taken: 0 for a very short run. */
  readonly peakRss: number;
  /** Bytes of the largest process. */
  readonly maxProcess: number;
  /** The most processes alive at a sample. */
  readonly processes: number;
}

/** A limit that the warden saw broken counts before our own reason, which may be its consequence. */
export function describeEnd(outcome: WardenOutcome, reason: SandboxEndReason | undefined): SandboxEnd {
  if (outcome.type === 'lost') {
    return {
      why: 'warden-lost',
      code: null,
      signal: null,
      seconds: 0,
      peakRss: 0,
      maxProcess: 0,
      processes: 0
    };
  }
  const { why, code, signal, milliseconds, peakRss, maxProcess, processes } = outcome;
  return {
    why: why === 'killed' || (why === 'exit' && reason !== undefined) ? (reason ?? 'killed') : why,
    code: code < 0 ? null : code,
    signal: signal === 0 ? null : signal,
    seconds: milliseconds / 1000,
    peakRss,
    maxProcess,
    processes
  };
}
