import type { WardenOutcome } from '../warden/process.js';
import type { WardenWhy } from '../warden/status.js';
import type { RawOutput } from './outputs.js';

/** How a cell ended. `ended`: the sandbox ended during the cell; `Sandbox.ended` gives the reason. */
export type SandboxCellStatus = 'ok' | 'error' | 'interrupted' | 'ended';

/** The result of one cell. All fields except the outputs were observed by the supervisor itself. */
export interface CellResult {
  /** Position of the cell in the notebook. */
  readonly index: number;
  /** Later cells can still update displays, so read the outputs after the last cell. */
  readonly outputs: readonly RawOutput[];
  /** Counted from 1; null for a cell without code. */
  readonly executionCount: number | null;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  /** Milliseconds since 1970. */
  readonly endedAt: number;
  readonly status: SandboxCellStatus;
}

/** Reasons for which the supervisor, and not the warden, ends the sandbox. */
export type SandboxEndReason =
  | 'closed' // all cells have run
  | 'cell-time' // a cell continued after its time limit and an interrupt
  | 'output' // a cell produced more output than its limit
  | 'protocol' // the sandbox sent an invalid frame
  | 'killed'; // the run was cancelled

/** How the sandbox ended, as observed from outside it. */
export interface SandboxEnd {
  readonly why: SandboxEndReason | WardenWhy | 'warden-lost';
  /** Exit code of the interpreter; null when a signal ended it. */
  readonly code: number | null;
  /** Number of the signal that ended the interpreter; null when it exited. */
  readonly signal: number | null;
  readonly seconds: number;
  /** Memory of all processes together, in bytes, at the highest sample; 0 for a very short run. */
  readonly peakRss: number;
  /** Memory of the largest process, in bytes. */
  readonly maxProcess: number;
  /** The highest number of processes at a sample. */
  readonly processes: number;
}

/**
 * Combines the warden's report with the supervisor's own reason. A limit that the warden reports takes precedence,
 * because the supervisor's reason may be its consequence.
 */
export function sandboxEnd(outcome: WardenOutcome, reason: SandboxEndReason | undefined): SandboxEnd {
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
