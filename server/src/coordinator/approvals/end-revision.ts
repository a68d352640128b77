import { CleanRoomError } from '@clean-room/protocol/errors';
import type { Caller, PersonCaller } from '../access/caller.js';
import { transitionDecision, transitionRevision, type RevisionRow } from '../state/transitions.js';
import { cancelRunsOf } from '../runs/end.js';
import { decisionOf, decisionsOf, newestRevision } from '../submissions/find.js';
import type { UnitOfWork } from '../state/unit-of-work.js';
import type { DecisionOutcome } from './approve.js';

/** A custodian speaks for one of its reviewers, whom its own page has let in. */
function nameOf(caller: Caller): string | null {
  return caller.kind === 'person' ? caller.person : null;
}

/** A provider's wish for changes: ends the revision. @throws CleanRoomError `conflict`, `forbidden` */
export async function requestChanges(
  unit: UnitOfWork,
  caller: Caller,
  submission: string,
  message: string
): Promise<DecisionOutcome> {
  const revision = await newestRevision(unit.trx, submission);
  const decision = await decisionOf(unit.trx, revision, caller.party);
  const reason = { code: 'changes-requested', message };
  await transitionDecision(unit, revision, decision, 'changes-requested', {
    decided_by: nameOf(caller),
    reason
  });
  const { number, state } = await transitionRevision(unit, revision, 'changes-requested', reason);
  return { revision: number, state };
}

/** A provider's no; after its yes, the taking back of that, which stops what runs. @throws CleanRoomError `conflict`, `forbidden` */
export async function reject(
  unit: UnitOfWork,
  caller: Caller,
  submission: string,
  message: string
): Promise<DecisionOutcome> {
  const revision = await newestRevision(unit.trx, submission);
  const decision = await decisionOf(unit.trx, revision, caller.party);
  const revoked = decision.state === 'approved';
  const reason = { code: revoked ? 'revoked' : 'rejected', message };
  await transitionDecision(unit, revision, decision, revoked ? 'revoked' : 'rejected', {
    decided_by: nameOf(caller),
    reason
  });
  const { number, state } = await transitionRevision(unit, revision, 'rejected', reason);
  await cancelRunsOf(unit, revision, {
    code: 'approval-missing',
    message: `${caller.party} took its approval back.`
  });
  return { revision: number, state };
}

/** The submitter's party takes its submission back, and stops what runs. @throws CleanRoomError `conflict` */
export async function withdraw(
  unit: UnitOfWork,
  caller: PersonCaller,
  submission: string
): Promise<DecisionOutcome> {
  const revision = await newestRevision(unit.trx, submission);
  const reason = { code: 'withdrawn', message: `${caller.person} withdrew it.` };
  const { number, state } = await transitionRevision(unit, revision, 'withdrawn', reason);
  await cancelRunsOf(unit, revision, { code: 'conflict', message: 'The submission was withdrawn.' });
  return { revision: number, state };
}

function isOver(revision: RevisionRow): boolean {
  return revision.state !== 'submitted' && revision.state !== 'approved';
}

/**
 * Ends what has run out by `unit.at`: approvals by their own date, the revision with the first approval, policy or
 * collaboration that ends. Does nothing before its time, so that it can be called at any time.
 */
export async function expire(unit: UnitOfWork, submission: string, number: number): Promise<void> {
  const revision = await newestRevision(unit.trx, submission).catch((error: unknown) => {
    if (error instanceof CleanRoomError && error.code === 'not-found') return undefined;
    throw error;
  });
  if (revision?.number !== number || isOver(revision)) return;
  const decisions = await decisionsOf(unit.trx, revision);
  const wholly = revision.expires_at <= unit.at;
  const ended = decisions.filter(
    ({ state, expires_at }) =>
      (state === 'approved' && (wholly || (expires_at !== null && expires_at <= unit.at))) ||
      (state === 'pending' && wholly)
  );
  if (ended.length === 0 && !wholly) return;
  const message = wholly ? 'A policy or the collaboration has ended.' : 'An approval has ended.';
  const reason = { code: 'expired', message };
  for (const decision of ended) {
    await transitionDecision(unit, revision, decision, 'expired', { decided_by: null, reason });
  }
  await transitionRevision(unit, revision, 'expired', reason);
  await cancelRunsOf(unit, revision, reason, ['queued']);
}
