import { ERROR_CODES, type ErrorCode } from '@clean-room/protocol/errors';
import type { JobProgress } from '@clean-room/protocol/jobs';
import { RUN_MOVES } from '@clean-room/protocol/runs';
import { moveRun, tellRun, type RunRow } from '../moves.js';
import { endRun, lockRun } from '../runs/end.js';
import type { Unit } from '../unit.js';

/** What a stop inside the TEE means for people. The codes are the closed set; values never come along. */
const STOPPED: Partial<Record<ErrorCode, string>> = {
  'key-release-refused': 'A custodian did not give its key',
  'sandbox-unsafe': 'A protection of the sandbox was missing, so nothing was run',
  'attestation-refused': 'The machine could not prove what it is',
  'approval-invalid': 'An approval did not hold',
  'approval-missing': 'An approval was missing',
  'policy-refused': 'A policy did not allow it',
  'digest-mismatch': 'Something was not what was approved',
  'signature-invalid': 'A signature did not hold',
  unavailable: 'Something it needed could not be reached',
  expired: 'An approval or a policy had ended'
};

function isErrorCode(text: string): text is ErrorCode {
  return ERROR_CODES.some(code => code === text);
}

async function showCell(unit: Unit, run: RunRow, cell: number, cells: number): Promise<void> {
  if (run.cell === cell && run.cells === cells) return;
  await unit.trx.updateTable('run').set({ cell, cells }).where('id', '=', run.id).execute();
  await tellRun(unit, { ...run, cell, cells });
}

/** Takes in what the supervisor says of itself. Late and repeated words change nothing. */
export async function takeProgress(unit: Unit, runId: string, progress: JobProgress): Promise<void> {
  const run = await lockRun(unit.trx, runId);
  const may = (state: 'awaiting-keys' | 'running'): boolean => RUN_MOVES[run.state].includes(state);
  switch (progress.phase) {
    case 'awaiting-keys':
      if (may('awaiting-keys')) await moveRun(unit, run, 'awaiting-keys');
      return;
    case 'running': {
      const { cell, cells } = progress;
      if (may('running')) await moveRun(unit, run, 'running', { cell, cells });
      else if (run.state === 'running') await showCell(unit, run, cell, cells);
      return;
    }
    case 'stopped': {
      if (run.state === 'output-review') return;
      const code = isErrorCode(progress.reason) ? progress.reason : 'run-failed';
      const what = STOPPED[code] ?? 'The run stopped inside the TEE';
      await endRun(unit, run, 'failed', { code, message: `${what}. No data or output left the TEE.` });
    }
  }
}
