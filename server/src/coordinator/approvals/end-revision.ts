import { CleanRoomError } from '@clean-room/protocol/errors';
import type { Caller, PersonCaller } from '../access/caller.js';
import { transitionDecision, transitionRevision, type RevisionRow } from '../state/transitions.js';
import { cancelRunsOf } from '../runs/end.js';
import { decisionOf, decisionsOf, newestRevision } from '../submissions/find.js';
import type { UnitOfWork } from '../state/unit-of-work.js';
import type { DecisionOutcome } from './approve.js';

/** Returns the person who decided. A custodian decides for one of its reviewers, and does not say which one. */
function personOf(caller: Caller): string | null {
  return caller.kind === 'person' ? caller.person : null;
}

/**
 * Ends the newest revision because a provider asks for changes. The researcher can then submit a new revision.
 *
 * @throws CleanRoomError `conflict`, `forbidden`
 */
export async function requestChanges(
  unit: UnitOfWork,
  caller: Caller,
  submission: string,
  message: string
): Promise<DecisionOutcome> {
  const revision = await newestRevision(unit.trx, submission);
  const decision = decisionOf(await decisionsOf(unit.trx, revision), caller.party);
  const reason = { code: 'changes-requested', message };
  await transitionDecision(unit, revision, decision, 'changes-requested', {
    decided_by: personOf(caller),
    reason
  });
  const { number, state } = await transitionRevision(unit, revision, 'changes-requested', reason);
  return { revision: number, state };
}

/**
 * Rejects the newest revision for a provider. If the provider had approved it, the approval is revoked and its runs are
 * cancelled.
 *
 * @throws CleanRoomError `conflict`, `forbidden`
 */
export async function reject(
  unit: UnitOfWork,
  caller: Caller,
  submission: string,
  message: string
): Promise<DecisionOutcome> {
  const revision = await newestRevision(unit.trx, submission);
  const decision = decisionOf(await decisionsOf(unit.trx, revision), caller.party);
  const revoked = decision.state === 'approved';
  const reason = { code: revoked ? 'revoked' : 'rejected', message };
  await transitionDecision(unit, revision, decision, revoked ? 'revoked' : 'rejected', {
    decided_by: personOf(caller),
    reason
  });
  const { number, state } = await transitionRevision(unit, revision, 'rejected', reason);
  await cancelRunsOf(unit, revision, {
    code: 'approval-missing',
    message: `${caller.party} revoked its approval. The run was cancelled.`
  });
  return { revision: number, state };
}

/**
 * Withdraws the newest revision for the submitter's party, and cancels its runs.
 *
 * @throws CleanRoomError `conflict`
 */
export async function withdraw(
  unit: UnitOfWork,
  caller: PersonCaller,
  submission: string
): Promise<DecisionOutcome> {
  const revision = await newestRevision(unit.trx, submission);
  const reason = { code: 'withdrawn', message: `${caller.person} withdrew the submission.` };
  const { number, state } = await transitionRevision(unit, revision, 'withdrawn', reason);
  await cancelRunsOf(unit, revision, {
    code: 'conflict',
    message: 'The submission was withdrawn, so the run was cancelled.'
  });
  return { revision: number, state };
}

function isOver(revision: RevisionRow): boolean {
  return revision.state !== 'submitted' && revision.state !== 'approved';
}

/**
 * Marks approvals that have expired at `unit.at`, and the revision with them. A revision expires with its first approval,
 * policy or collaboration that ends. The function can be called at any time; it does nothing if nothing has expired.
 */
export async function expire(unit: UnitOfWork, submission: string, number: number): Promise<void> {
  const revision = await newestRevision(unit.trx, submission).catch((error: unknown) => {
    if (error instanceof CleanRoomError && error.code === 'not-found') return undefined;
    throw error;
  });
  if (revision?.number !== number || isOver(revision)) return;
  const decisions = await decisionsOf(unit.trx, revision);
  const revisionExpired = revision.expires_at <= unit.at;
  const expired = decisions.filter(
    ({ state, expires_at }) =>
      (state === 'approved' && (revisionExpired || (expires_at !== null && expires_at <= unit.at))) ||
      (state === 'pending' && revisionExpired)
  );
  if (expired.length === 0 && !revisionExpired) return;
  const message = revisionExpired ? 'A policy or the collaboration has ended.' : 'An approval has expired.';
  const reason = { code: 'expired', message };
  for (const decision of expired) {
    await transitionDecision(unit, revision, decision, 'expired', { decided_by: null, reason });
  }
  await transitionRevision(unit, revision, 'expired', reason);
  await cancelRunsOf(unit, revision, reason, ['queued']);
}
