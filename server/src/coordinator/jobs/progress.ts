import { ERROR_CODES, type ErrorCode } from '@clean-room/protocol/errors';
import type { JobProgress } from '@clean-room/protocol/jobs';
import { RUN_TRANSITIONS } from '@clean-room/protocol/runs';
import { transitionRun, queueRunEvent, type RunRow } from '../state/transitions.js';
import { endAttempt } from '../runs/attempts.js';
import { endRun, lockRun } from '../runs/end.js';
import type { Job } from './find.js';
import type { UnitOfWork } from '../state/unit-of-work.js';

/** Explanations of the error codes with which a run can stop inside the TEE. The TEE reports only the code. */
const STOP_REASONS: Partial<Record<ErrorCode, string>> = {
  'key-release-refused': 'A custodian did not release its key',
  'sandbox-unsafe': 'A protection of the sandbox was missing, so the notebook did not run',
  'attestation-refused': 'The machine could not prove its identity',
  'approval-invalid': 'An approval is not valid',
  'approval-missing': 'An approval was missing',
  'policy-refused': 'A policy did not allow the run',
  'digest-mismatch': 'A file was not the one that was approved',
  'signature-invalid': 'A signature is not valid',
  unavailable: 'A service that the run needs could not be reached',
  expired: 'An approval or a policy has expired'
};

function isErrorCode(text: string): text is ErrorCode {
  return ERROR_CODES.some(code => code === text);
}

async function saveCell(unit: UnitOfWork, run: RunRow, cell: number, cells: number): Promise<void> {
  if (run.cell === cell && run.cells === cells) return;
  await unit.trx.updateTable('run').set({ cell, cells }).where('id', '=', run.id).execute();
  await queueRunEvent(unit, { ...run, cell, cells });
}

/** Saves a progress report of the supervisor. Late and repeated reports change nothing. */
export async function saveProgress(unit: UnitOfWork, job: Job, progress: JobProgress): Promise<void> {
  const run = await lockRun(unit.trx, job.run.id);
  const isAllowed = (state: 'awaiting-keys' | 'running'): boolean =>
    RUN_TRANSITIONS[run.state].includes(state);
  switch (progress.phase) {
    case 'awaiting-keys':
      if (isAllowed('awaiting-keys')) await transitionRun(unit, run, 'awaiting-keys');
      return;
    case 'running': {
      const { cell, cells } = progress;
      if (isAllowed('running')) await transitionRun(unit, run, 'running', { cell, cells });
      else if (run.state === 'running') await saveCell(unit, run, cell, cells);
      return;
    }
    case 'stopped': {
      if (run.state === 'output-review') return;
      if (progress.reason === 'preempted') {
        await endAttempt(unit, job.attempt, { state: 'ended', reason: 'preempted' });
        return;
      }
      const code = isErrorCode(progress.reason) ? progress.reason : 'run-failed';
      const explanation = STOP_REASONS[code] ?? 'The run stopped inside the TEE';
      await endRun(unit, run, 'failed', {
        code,
        message: `${explanation}. No data or output left the clean room.`
      });
    }
  }
}
