import { ERROR_CODES, type ErrorCode } from '@clean-room/protocol/errors';
import type { JobProgress } from '@clean-room/protocol/jobs';
import { RUN_TRANSITIONS } from '@clean-room/protocol/runs';
import { transitionRun, queueRunEvent, type RunRow } from '../state/transitions.js';
import { endRun, lockRun } from '../runs/end.js';
import type { UnitOfWork } from '../state/unit-of-work.js';

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

async function showCell(unit: UnitOfWork, run: RunRow, cell: number, cells: number): Promise<void> {
  if (run.cell === cell && run.cells === cells) return;
  await unit.trx.updateTable('run').set({ cell, cells }).where('id', '=', run.id).execute();
  await queueRunEvent(unit, { ...run, cell, cells });
}

/** Takes in what the supervisor says of itself. Late and repeated words change nothing. */
export async function takeProgress(unit: UnitOfWork, runId: string, progress: JobProgress): Promise<void> {
  const run = await lockRun(unit.trx, runId);
  const may = (state: 'awaiting-keys' | 'running'): boolean => RUN_TRANSITIONS[run.state].includes(state);
  switch (progress.phase) {
    case 'awaiting-keys':
      if (may('awaiting-keys')) await transitionRun(unit, run, 'awaiting-keys');
      return;
    case 'running': {
      const { cell, cells } = progress;
      if (may('running')) await transitionRun(unit, run, 'running', { cell, cells });
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
