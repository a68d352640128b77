import { sql, type Kysely } from 'kysely';
import { toBase64 } from '@clean-room/protocol/bytes';
import type { Comment, Decision, Revision, Submission, SubmissionSummary } from '@clean-room/api/coordinator';
import type { CoordinatorTables } from '../database/tables.js';
import type { DecisionRow, RevisionRow } from '../state/transitions.js';
import { pageOf, type PageRequest, type PageResult } from '../../platform/http/paging.js';
import { runsOfSubmission } from '../runs/views.js';
import { noSubmission } from './find.js';

/** Columns of a revision without its documents, which can be large. */
const SUMMARY_COLUMNS = [
  'number',
  'state',
  'reason',
  'purpose',
  'notebook',
  'assets',
  'spec_digest',
  'image_digest',
  'submitted_by',
  'submitted_at',
  'updated_at'
] as const;

type RevisionSummaryRow = Pick<RevisionRow, (typeof SUMMARY_COLUMNS)[number]>;

function revisionSummary(
  row: RevisionSummaryRow,
  party: string
): Omit<SubmissionSummary['revision'], 'decisions'> {
  return {
    number: row.number,
    state: row.state,
    ...(row.reason === null ? {} : { reason: row.reason }),
    purpose: row.purpose,
    notebook: row.notebook,
    assets: row.assets,
    specDigest: row.spec_digest,
    image: row.image_digest,
    submittedBy: { party, person: row.submitted_by },
    submittedAt: row.submitted_at.toISOString(),
    updatedAt: row.updated_at.toISOString()
  };
}

function decisionView(row: DecisionRow): Decision {
  return {
    provider: row.provider,
    state: row.state,
    ...(row.reason === null ? {} : { reason: row.reason }),
    ...(row.decided_at === null ? {} : { decidedAt: row.decided_at.toISOString() }),
    ...(row.decided_by === null ? {} : { decidedBy: { party: row.provider, person: row.decided_by } }),
    ...(row.expires_at === null ? {} : { expires: `${row.expires_at.toISOString().slice(0, 19)}Z` }),
    ...(row.approval === null ? {} : { approval: row.approval })
  };
}

/**
 * Returns a page of the submissions that concern a party, newest first.
 *
 * @param waiting - whether to return only submissions whose newest revision waits for the party's decision
 */
export async function listSubmissions(
  db: Kysely<CoordinatorTables>,
  party: string,
  request: PageRequest,
  waiting: boolean
): Promise<PageResult<SubmissionSummary>> {
  const rows = await db
    .selectFrom('submission')
    .innerJoin('revision', join =>
      join.onRef('revision.submission', '=', 'submission.id').on('revision.number', '=', eb =>
        eb
          .selectFrom('revision as newer')
          .select(({ fn }) => fn.max('newer.number').as('number'))
          .whereRef('newer.submission', '=', 'submission.id')
      )
    )
    .select([
      'submission.id',
      'submission.party',
      'submission.created_at',
      'submission.updated_at as submission_updated_at'
    ])
    .select(SUMMARY_COLUMNS.map(column => `revision.${column}` as const))
    .where(eb => {
      const ownDecision = eb
        .selectFrom('decision')
        .select(sql`1`.as('one'))
        .whereRef('decision.submission', '=', 'submission.id')
        .where('decision.provider', '=', party);
      return waiting
        ? eb.exists(
            ownDecision
              .whereRef('decision.revision', '=', 'revision.number')
              .where('decision.state', '=', 'pending')
              .where('revision.state', '=', 'submitted')
          )
        : eb.or([eb('submission.party', '=', party), eb.exists(ownDecision)]);
    })
    .$if(request.after !== undefined, query => query.where('submission.id', '<', request.after ?? ''))
    .orderBy('submission.id', 'desc')
    .limit(request.limit + 1)
    .execute();
  const page = pageOf(rows, request.limit, row => row.id);
  const ids = page.items.map(row => row.id);
  const decisions =
    ids.length === 0
      ? []
      : await db
          .selectFrom('decision')
          .select(['submission', 'revision', 'provider', 'state'])
          .where('submission', 'in', ids)
          .orderBy('provider')
          .execute();
  return {
    ...page,
    items: page.items.map(row => ({
      id: row.id,
      party: row.party,
      createdAt: row.created_at.toISOString(),
      updatedAt: row.submission_updated_at.toISOString(),
      revision: {
        ...revisionSummary(row, row.party),
        decisions: decisions
          .filter(({ submission, revision }) => submission === row.id && revision === row.number)
          .map(({ provider, state }) => ({ provider, state }))
      }
    }))
  };
}

/**
 * Returns a submission with its revisions, decisions, comments and runs.
 *
 * @throws CleanRoomError `not-found`
 */
export async function submissionView(db: Kysely<CoordinatorTables>, id: string): Promise<Submission> {
  const submission = await db.selectFrom('submission').selectAll().where('id', '=', id).executeTakeFirst();
  if (submission === undefined) throw noSubmission();
  const revisions = await db
    .selectFrom('revision')
    .selectAll()
    .where('submission', '=', id)
    .orderBy('number')
    .execute();
  const decisions = await db
    .selectFrom('decision')
    .selectAll()
    .where('submission', '=', id)
    .orderBy('provider')
    .execute();
  const comments = await db
    .selectFrom('comment')
    .selectAll()
    .where('submission', '=', id)
    .orderBy('id')
    .execute();
  return {
    id,
    party: submission.party,
    createdAt: submission.created_at.toISOString(),
    updatedAt: submission.updated_at.toISOString(),
    revisions: revisions.map((row): Revision => ({
      ...revisionSummary(row, submission.party),
      spec: toBase64(row.spec),
      request: row.submission_request,
      decisions: decisions.filter(decision => decision.revision === row.number).map(decisionView)
    })),
    comments: comments.map((row): Comment => ({
      id: row.id,
      revision: row.revision,
      by: { party: row.party, person: row.person },
      text: row.text,
      at: row.created_at.toISOString()
    })),
    runs: await runsOfSubmission(db, id)
  };
}
