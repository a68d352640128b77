import { strictestTerms } from '@clean-room/protocol/policies';
import { ATTEMPT_SECONDS } from '@clean-room/protocol/jobs';
import { isFinal, RUN_TRANSITIONS, type RunState } from '@clean-room/protocol/runs';
import type { Reason } from '@clean-room/api/coordinator';
import { documentsOf } from '../approvals/approve.js';
import type { TeeStatus } from '../backends/backend.js';
import type { CoordinatorContext } from '../context.js';
import type { RunRow } from '../state/transitions.js';
import { revisionAt } from '../submissions/find.js';
import { endRun, lockRun } from './end.js';

/** Time for the download, filter, sealing and delivery, in addition to the notebook's own time limit. In seconds. */
export const GRACE_SECONDS = ATTEMPT_SECONDS.download + ATTEMPT_SECONDS.delivery + 600;

const NO_OUTPUT = 'No output left the clean room.';

/** Returns how long a run may stay in a state, in seconds, or undefined when no limit applies. */
function secondsAllowed(
  context: CoordinatorContext,
  state: RunState,
  wallSeconds: number
): number | undefined {
  const { startSeconds, keySeconds } = context.services.config.limits;
  switch (state) {
    case 'starting':
      return startSeconds;
    case 'awaiting-keys':
      return keySeconds;
    case 'running':
      return wallSeconds + GRACE_SECONDS;
    default:
      return undefined;
  }
}

/** Returns the reason why a run has to end because of its TEE, or undefined while the TEE is running. */
function failureOf(status: TeeStatus): Reason | undefined {
  switch (status.state) {
    case 'starting':
    case 'running':
      return undefined;
    case 'unknown':
      return { code: 'backend-unavailable', message: `The machine no longer exists. ${NO_OUTPUT}` };
    case 'ended':
      return {
        code: status.reason,
        message: ['The machine stopped before it delivered results.', status.detail, NO_OUTPUT]
          .filter(part => part !== undefined)
          .join(' ')
      };
  }
}

/** Returns the reason why a run has to end because of a time limit, or undefined while it has time left. */
async function timeoutOf(context: CoordinatorContext, run: RunRow, since: Date): Promise<Reason | undefined> {
  const revision = await revisionAt(context.db, run.submission, run.revision);
  const { policies } = await documentsOf(context.db, revision);
  const { wallSeconds } = strictestTerms(policies.map(policy => policy.value)).run;
  const allowed = secondsAllowed(context, run.state, wallSeconds);
  if (allowed === undefined || Date.now() - since.getTime() < allowed * 1000) return undefined;
  return {
    code: run.state === 'awaiting-keys' ? 'key-release-refused' : 'run-failed',
    message: `The run was stopped after ${allowed} seconds in the state ${run.state}. ${NO_OUTPUT}`
  };
}

/**
 * Checks the status of an attempt's TEE, and schedules the next check while its run has not ended. If the TEE has ended
 * without results, is lost or takes too long, the run ends as failed.
 */
export async function handleWatchAttempt(context: CoordinatorContext, attempt: string): Promise<void> {
  const { backend, config } = context.services;
  const row = await context.db
    .selectFrom('attempt')
    .innerJoin('run', 'run.id', 'attempt.run')
    .selectAll('run')
    .select('attempt.run_state_since')
    .where('attempt.id', '=', attempt)
    .executeTakeFirst();
  if (row === undefined) return;
  const { run_state_since, ...run } = row;
  if (isFinal(RUN_TRANSITIONS, run.state) || run.state === 'output-review') {
    await backend.stop(attempt);
    return;
  }
  const status = (await backend.statuses([attempt])).get(attempt) ?? { state: 'unknown' };
  const reason = failureOf(status) ?? (await timeoutOf(context, run, run_state_since));
  await context.transact(async unit => {
    const current = await lockRun(unit.trx, run.id);
    if (isFinal(RUN_TRANSITIONS, current.state)) return;
    // The results may have arrived during the status request. The TEE is then expected to end.
    if (reason !== undefined && current.state === run.state) await endRun(unit, current, 'failed', reason);
    else await unit.send('watch-attempt', { attempt }, config.limits.watchSeconds);
  });
}

/** Stops the TEE of an attempt. */
export async function handleStopAttempt(context: CoordinatorContext, attempt: string): Promise<void> {
  await context.services.backend.stop(attempt);
}
