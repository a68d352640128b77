import type { RunSummary } from '../../../packages/api/src/coordinator/runs.js';

const FINAL = ['completed', 'failed', 'cancelled'];

/** Whether a run has come to its end. The protocol's own table is loaded later than the panel is drawn. */
export function isOver({ state }: Pick<RunSummary, 'state'>): boolean {
  return FINAL.includes(state);
}
