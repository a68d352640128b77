import { sql, type Kysely } from 'kysely';
import { toBase64 } from '@clean-room/protocol/bytes';
import type { Comment, Decision, Revision, Submission, SubmissionSummary } from '@clean-room/api/coordinator';
import type { CoordinatorTables } from '../database/tables.js';
import type { DecisionRow, RevisionRow } from '../state/transitions.js';
import type { PageResult, PageRequest } from '../../platform/http/paging.js';
import { pageOf } from '../../platform/http/paging.js';
import { runsOfSubmission } from '../runs/views.js';
import { noSubmission } from './find.js';

const LIGHT = [
  'revision.number',
  'revision.state',
  'revision.reason',
  'revision.purpose',
  'revision.notebook',
  'revision.assets',
  'revision.spec_digest',
  'revision.image_digest',
  'revision.submitted_by',
  'revision.submitted_at',
  'revision.updated_at'
] as const;

type LightRevision = Pick<
  RevisionRow,
  | 'number'
  | 'state'
  | 'reason'
  | 'purpose'
  | 'notebook'
  | 'assets'
  | 'spec_digest'
  | 'image_digest'
  | 'submitted_by'
  | 'submitted_at'
  | 'updated_at'
>;

function facts(row: LightRevision, party: string): Omit<SubmissionSummary['revision'], 'decisions'> {
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

/** Newest first. @param waiting only those whose newest revision waits for `party` to decide */
export async function listSubmissions(
  db: Kysely<CoordinatorTables>,
  party: string,
  request: PageRequest,
  waiting: boolean
): Promise<PageResult<SubmissionSummary>> {
  const rows = await db
    .selectFrom('submission')
    .innerJoin('revision', join =>
      join.onRef('revision.submission', '=', 'submission.id').on('revision.number', '=', ({ selectFrom }) =>
        selectFrom('revision as newer')
          .select(({ fn }) => fn.max('newer.number').as('number'))
          .whereRef('newer.submission', '=', 'submission.id')
      )
    )
    .select([
      'submission.id',
      'submission.party',
      'submission.created_at',
      'submission.updated_at as touched_at'
    ])
    .select(LIGHT)
    .where(({ or, eb, exists, selectFrom }) => {
      const asked = selectFrom('decision')
        .select(sql`1`.as('one'))
        .whereRef('decision.submission', '=', 'submission.id')
        .where('decision.provider', '=', party);
      return waiting
        ? exists(
            asked
              .whereRef('decision.revision', '=', 'revision.number')
              .where('decision.state', '=', 'pending')
              .where('revision.state', '=', 'submitted')
          )
        : or([eb('submission.party', '=', party), exists(asked)]);
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
      updatedAt: row.touched_at.toISOString(),
      revision: {
        ...facts(row, row.party),
        decisions: decisions
          .filter(({ submission, revision }) => submission === row.id && revision === row.number)
          .map(({ provider, state }) => ({ provider, state }))
      }
    }))
  };
}

/** @throws CleanRoomError `not-found` */
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
      ...facts(row, submission.party),
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
