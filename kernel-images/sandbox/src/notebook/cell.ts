import type { WardenOptions } from '../warden/arguments.js';
import type { SandboxLimits } from '../warden/limits.js';
import type { RawOutput } from './outputs.js';

export interface SandboxOptions extends Omit<WardenOptions, 'limits' | 'workdir' | 'writable'> {
  readonly limits: SandboxLimits;
  /** Milliseconds since 1970, for the times of cells. */
  readonly now?: () => number;
}

/** `ended`: the sandbox ended within the cell; how is told by `Sandbox.ended`. */
export type SandboxCellStatus = 'ok' | 'error' | 'interrupted' | 'ended';

/** One cell as it ran. All but the outputs is what the supervisor itself saw. */
export interface CellResult {
  readonly index: number;
  /** Displays can still be updated by later cells: read the outputs after the last one. */
  readonly outputs: readonly RawOutput[];
  /** From 1; null for a cell with nothing to run. */
  readonly executionCount: number | null;
  readonly startedAt: number;
  readonly endedAt: number;
  readonly status: SandboxCellStatus;
}

/** The cell that runs now. */
export interface RunningCell {
  readonly index: number;
  readonly executionCount: number;
  readonly startedAt: number;
  readonly outputs: readonly RawOutput[];
  readonly finished: PromiseWithResolvers<CellResult>;
  bytes: number;
  interrupted: boolean;
  /** The sandbox says that the cell is done; what is still in the raw pipes is being read. */
  closing: boolean;
}
