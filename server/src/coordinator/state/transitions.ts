import { sql, type Kysely, type Selectable } from 'kysely';
import type { Digest } from '@clean-room/protocol/bytes';
import {
  DECISION_TRANSITIONS,
  isFinal,
  requireTransition,
  REVISION_TRANSITIONS,
  RUN_TRANSITIONS,
  type DecisionState,
  type RevisionState,
  type RunState
} from '@clean-room/protocol/runs';
import type { CoordinatorEvent, Reason } from '@clean-room/api/coordinator';
import type { CoordinatorTables } from '../database/tables.js';
import type { UnitOfWork } from './unit-of-work.js';

/*
 * All changes of state are made here. The protocol's tables say which transitions are allowed. Row, log entry and event are
 * written in one transaction. Callers must have locked the rows, the revision before its runs.
 */

export type RevisionRow = Selectable<CoordinatorTables['revision']>;
export type DecisionRow = Selectable<CoordinatorTables['decision']>;
export type RunRow = Selectable<CoordinatorTables['run']>;

/** Returns the parties that a submission concerns: the submitter's, and the providers of all its revisions. */
export async function partiesOf(
  db: Kysely<CoordinatorTables>,
  submission: string
): Promise<{ readonly submitter: string | undefined; readonly providers: readonly string[] }> {
  const rows = await db
    .selectFrom('submission')
    .select(['party', sql<boolean>`true`.as('submits')])
    .where('id', '=', submission)
    .union(
      db
        .selectFrom('decision')
        .select(['provider as party', sql<boolean>`false`.as('submits')])
        .where('submission', '=', submission)
    )
    .execute();
  return {
    submitter: rows.find(({ submits }) => submits)?.party,
    providers: rows.filter(({ submits }) => !submits).map(({ party }) => party)
  };
}

/** Returns the name of a revision in the log. */
const revisionName = (row: Pick<RevisionRow, 'submission' | 'number'>): string =>
  `${row.submission}/${row.number}`;

/**
 * Sends an event to the parties that a submission concerns. They are read once in a transaction, so the decisions of a new
 * revision must be inserted before.
 */
export async function queueSubmissionEvent(
  unit: UnitOfWork,
  submission: string,
  event: CoordinatorEvent
): Promise<void> {
  const parties = unit.parties.get(submission) ?? (await partiesOf(unit.trx, submission));
  unit.parties.set(submission, parties);
  const { submitter, providers } = parties;
  unit.queueEvent(submitter === undefined ? providers : [submitter, ...providers], event);
}

/** Sets the time of a submission's last change. */
export async function touchSubmission(unit: UnitOfWork, submission: string): Promise<void> {
  if (unit.touched.has(submission)) return;
  unit.touched.add(submission);
  await unit.trx
    .updateTable('submission')
    .set({ updated_at: unit.at })
    .where('id', '=', submission)
    .execute();
}

/** Adds the log entry and the event of a new revision, which has just been inserted as `submitted`. */
export async function recordRevision(unit: UnitOfWork, row: RevisionRow): Promise<void> {
  requireTransition(REVISION_TRANSITIONS, 'draft', row.state);
  unit.appendLogEntry({
    subject: 'revision',
    id: revisionName(row),
    state: row.state,
    evidence: row.spec_digest
  });
  const { submission, number: revision, state } = row;
  await queueSubmissionEvent(unit, submission, {
    topic: 'submission',
    submission,
    revision,
    state
  });
}

/**
 * Changes the state of a revision.
 *
 * @returns the changed row
 * @throws CleanRoomError `conflict` when the transition is not allowed
 */
export async function transitionRevision(
  unit: UnitOfWork,
  row: RevisionRow,
  state: RevisionState,
  reason?: Reason
): Promise<RevisionRow> {
  requireTransition(REVISION_TRANSITIONS, row.state, state);
  await unit.trx
    .updateTable('revision')
    .set({ state, reason: reason === undefined ? null : JSON.stringify(reason), updated_at: unit.at })
    .where('submission', '=', row.submission)
    .where('number', '=', row.number)
    .execute();
  await touchSubmission(unit, row.submission);
  unit.appendLogEntry({ subject: 'revision', id: revisionName(row), state, evidence: row.spec_digest });
  const { submission, number: revision } = row;
  await queueSubmissionEvent(unit, submission, {
    topic: 'submission',
    submission,
    revision,
    state
  });
  return { ...row, state, reason: reason ?? null, updated_at: unit.at };
}

/** The values that are saved with a decision. */
interface DecisionFacts {
  readonly decided_by: string | null;
  readonly reason?: Reason;
  readonly approval?: {
    readonly text: string;
    readonly digest: Digest;
    readonly runs: number;
    readonly spareStarts: number;
    readonly expires: Date;
  };
}

/**
 * Changes the state of a provider's decision.
 *
 * @throws CleanRoomError `conflict` when the transition is not allowed
 */
export async function transitionDecision(
  unit: UnitOfWork,
  revision: RevisionRow,
  row: DecisionRow,
  state: DecisionState,
  { decided_by, reason, approval }: DecisionFacts
): Promise<void> {
  requireTransition(DECISION_TRANSITIONS, row.state, state);
  await unit.trx
    .updateTable('decision')
    .set({
      state,
      decided_by,
      decided_at: unit.at,
      reason: reason === undefined ? null : JSON.stringify(reason),
      ...(approval === undefined
        ? {}
        : {
            approval: approval.text,
            approval_digest: approval.digest,
            runs: approval.runs,
            spare_starts: approval.spareStarts,
            expires_at: approval.expires
          })
    })
    .where('submission', '=', row.submission)
    .where('revision', '=', row.revision)
    .where('provider', '=', row.provider)
    .execute();
  await touchSubmission(unit, row.submission);
  const evidence = approval?.digest ?? row.approval_digest;
  unit.appendLogEntry({
    subject: 'decision',
    id: `${revisionName(revision)}/${row.provider}`,
    state,
    ...(evidence === null ? {} : { evidence })
  });
  await queueSubmissionEvent(unit, row.submission, {
    topic: 'submission',
    submission: row.submission,
    revision: row.revision,
    state: revision.state,
    decision: { provider: row.provider, state }
  });
}

/** Adds the log entry and the event of a new run, which has just been inserted as `queued`. */
export async function recordRun(unit: UnitOfWork, row: RunRow): Promise<void> {
  unit.appendLogEntry({ subject: 'run', id: row.id, state: row.state });
  const { id: run, submission, state } = row;
  await queueSubmissionEvent(unit, submission, { topic: 'run', run, submission, state });
}

/** The values that are saved with a run's new state. */
interface RunTransitionFacts {
  readonly reason?: Reason;
  readonly cell?: number;
  readonly cells?: number;
  readonly evidence?: Digest;
}

/**
 * Changes the state of a run.
 *
 * @returns the changed row
 * @throws CleanRoomError `conflict` when the transition is not allowed
 */
export async function transitionRun(
  unit: UnitOfWork,
  row: RunRow,
  state: RunState,
  facts: RunTransitionFacts = {}
): Promise<RunRow> {
  requireTransition(RUN_TRANSITIONS, row.state, state);
  const { reason, cell, cells, evidence } = facts;
  const next: RunRow = {
    ...row,
    state,
    // A run that starts again shows why, until its new machine reports.
    reason: reason ?? (state === 'starting' ? row.reason : null),
    // Another attempt begins with the first cell.
    cell: state === 'queued' ? null : (cell ?? row.cell),
    cells: state === 'queued' ? null : (cells ?? row.cells),
    started_at: row.started_at ?? (state === 'starting' ? unit.at : null),
    ended_at: isFinal(RUN_TRANSITIONS, state) ? unit.at : null,
    history: [
      ...row.history,
      { state, at: unit.at.toISOString(), ...(reason === undefined ? {} : { reason }) }
    ]
  };
  await unit.trx
    .updateTable('run')
    .set({
      state,
      reason: next.reason === null ? null : JSON.stringify(next.reason),
      cell: next.cell,
      cells: next.cells,
      started_at: next.started_at,
      ended_at: next.ended_at,
      history: JSON.stringify(next.history)
    })
    .where('id', '=', row.id)
    .execute();
  await unit.trx
    .updateTable('attempt')
    .set({ run_state_since: unit.at })
    .where('run', '=', row.id)
    .where('ended_at', 'is', null)
    .execute();
  unit.appendLogEntry({ subject: 'run', id: row.id, state, ...(evidence === undefined ? {} : { evidence }) });
  await queueRunEvent(unit, next);
  return next;
}

/** Sends an event with the state and the progress of a run. */
export async function queueRunEvent(unit: UnitOfWork, row: RunRow): Promise<void> {
  await queueSubmissionEvent(unit, row.submission, {
    topic: 'run',
    run: row.id,
    submission: row.submission,
    state: row.state,
    ...(row.cell === null ? {} : { cell: row.cell }),
    ...(row.cells === null ? {} : { cells: row.cells })
  });
}
