import { strictestTerms } from '@clean-room/protocol/policies';
import { isFinal, RUN_TRANSITIONS, type RunState } from '@clean-room/protocol/runs';
import type { Reason } from '@clean-room/api/coordinator';
import { documentsOf } from '../approvals/approve.js';
import type { TeeStatus } from '../backends/backend.js';
import type { CoordinatorContext } from '../context.js';
import type { RunRow } from '../state/transitions.js';
import { revisionAt } from '../submissions/find.js';
import { endRun, lockRun } from './end.js';

/** Between the notebook's time limit and ours lie start, filter, sealing and delivery. */
export const GRACE_SECONDS = 600;

const NOTHING_LEFT = 'Nothing of it left the TEE.';

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

function endOf(sight: TeeStatus): Reason | undefined {
  switch (sight.state) {
    case 'running':
      return undefined;
    case 'unknown':
      return { code: 'backend-unavailable', message: `The machine was lost. ${NOTHING_LEFT}` };
    case 'ended':
      return {
        code: sight.code,
        message: ['The machine stopped before it had delivered results.', sight.detail, NOTHING_LEFT]
          .filter(part => part !== undefined)
          .join(' ')
      };
  }
}

async function overdue(context: CoordinatorContext, run: RunRow, since: Date): Promise<Reason | undefined> {
  const revision = await revisionAt(context.db, run.submission, run.revision);
  const { policies } = await documentsOf(context.db, revision);
  const { wallSeconds } = strictestTerms(policies.map(policy => policy.value)).run;
  const allowed = secondsAllowed(context, run.state, wallSeconds);
  if (allowed === undefined || Date.now() - since.getTime() < allowed * 1000) return undefined;
  return {
    code: run.state === 'awaiting-keys' ? 'key-release-refused' : 'run-failed',
    message: `It was ${run.state} for longer than ${allowed} seconds, and was stopped. ${NOTHING_LEFT}`
  };
}

/**
 * Looks at an attempt's TEE once, and asks to look again while its run goes on. A TEE that ended without results, was lost
 * or takes too long ends the run.
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
  const reason = endOf(await backend.status(attempt)) ?? (await overdue(context, run, run_state_since));
  await context.transact(async unit => {
    const now = await lockRun(unit.trx, run.id);
    if (isFinal(RUN_TRANSITIONS, now.state)) return;
    // Results may have come in while the backend was asked; then the end of the TEE is as it should be.
    if (reason !== undefined && now.state === run.state) await endRun(unit, now, 'failed', reason);
    else await unit.send('watch-attempt', { attempt }, config.limits.watchSeconds);
  });
}

/** Ends an attempt's TEE. */
export async function handleStopAttempt(context: CoordinatorContext, attempt: string): Promise<void> {
  await context.services.backend.stop(attempt);
}
