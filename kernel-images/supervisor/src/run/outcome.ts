import type { CellRecord, RunFailure } from '@clean-room/protocol/runs';
import { reduceError, type FilteredCell } from '../filter/index.js';
import type { RanNotebook } from './cells.js';

/** What the run statement says of each cell: how it ended, and the verdict on each of its outputs. */
export function recordCells(ran: RanNotebook, filtered: readonly FilteredCell[]): CellRecord[] {
  const byCell = new Map(filtered.map(cell => [cell.cell, cell.outputs]));
  return ran.cells.map(({ cell, status }) => ({
    cell,
    status,
    outputs: (byCell.get(cell) ?? []).map(({ mark }) => ({
      verdict: mark.verdict,
      reasons: [...mark.reasons]
    }))
  }));
}

/** Why the notebook did not get to its end, in the closed words that may leave. */
export function recordFailure(ran: RanNotebook): RunFailure | undefined {
  if (ran.failure === undefined) return undefined;
  const cell = ran.cells.find(candidate => candidate.cell === ran.failure?.cell);
  const error = cell?.outputs.find(output => output.type === 'error');
  if (cell === undefined || error === undefined || ran.failure.class !== 'notebook-error') return ran.failure;
  return { ...ran.failure, ...reduceError(error, cell.source) };
}
