import { sql, type Kysely } from 'kysely';
import type { Run, RunSummary } from '@clean-room/api/coordinator';
import type { Caller } from '../access/caller.js';
import type { CoordinatorTables } from '../database/tables.js';
import type { RunRow } from '../state/transitions.js';
import { pageOf, type PageRequest, type PageResult } from '../../platform/http/paging.js';
import { revisionAt, requireConcerned } from '../submissions/find.js';
import { noRun } from './end.js';

/**
 * Returns, for each run, the providers that it waits for: those with an unanswered key request, and those that have not
 * reviewed its outputs.
 */
async function waitingFor(
  db: Kysely<CoordinatorTables>,
  runs: readonly RunRow[]
): Promise<Map<string, string[]>> {
  const keys = runs.filter(run => run.state === 'awaiting-keys').map(run => run.id);
  const review = runs.filter(run => run.state === 'output-review').map(run => run.id);
  const rows = [
    ...(keys.length === 0
      ? []
      : await db
          .selectFrom('key_request')
          .innerJoin('attempt', 'attempt.id', 'key_request.attempt')
          .select(['attempt.run', 'key_request.provider'])
          .where('attempt.run', 'in', keys)
          .where('key_request.reply', 'is', null)
          .execute()),
    ...(review.length === 0
      ? []
      : await db
          .selectFrom('result')
          .innerJoin('run', 'run.id', 'result.run')
          .innerJoin('decision', join =>
            join
              .onRef('decision.submission', '=', 'run.submission')
              .onRef('decision.revision', '=', 'run.revision')
          )
          .leftJoin('output_release', join =>
            join
              .onRef('output_release.run', '=', 'result.run')
              .onRef('output_release.provider', '=', 'decision.provider')
          )
          .select(['result.run', 'decision.provider'])
          .where('result.run', 'in', review)
          .where('output_release.run', 'is', null)
          .where(sql<boolean>`result.reviewing_custodians @> to_jsonb(decision.custodian_key)`)
          .execute())
  ];
  const waiting = new Map<string, string[]>();
  for (const { run, provider } of rows) {
    waiting.set(run, [...new Set([...(waiting.get(run) ?? []), provider])]);
  }
  return waiting;
}

function summary(run: RunRow, notebook: string, waiting: readonly string[]): RunSummary {
  return {
    id: run.id,
    submission: run.submission,
    revision: run.revision,
    notebook,
    state: run.state,
    ...(run.reason === null ? {} : { reason: run.reason }),
    ...(run.failure === null ? {} : { failure: run.failure }),
    waitingFor: [...waiting].sort(),
    ...(run.cell === null ? {} : { cell: run.cell }),
    ...(run.cells === null ? {} : { cells: run.cells }),
    simulated: run.simulated,
    ...(run.cost === null ? {} : { cost: run.cost }),
    createdAt: run.created_at.toISOString(),
    ...(run.started_at === null ? {} : { startedAt: run.started_at.toISOString() }),
    ...(run.ended_at === null ? {} : { endedAt: run.ended_at.toISOString() })
  };
}

async function summaries(
  db: Kysely<CoordinatorTables>,
  rows: readonly (RunRow & { notebook: string })[]
): Promise<RunSummary[]> {
  const waiting = await waitingFor(db, rows);
  return rows.map(({ notebook, ...run }) => summary(run, notebook, waiting.get(run.id) ?? []));
}

/** Starts a query for runs with their notebooks. */
function selectRuns(db: Kysely<CoordinatorTables>) {
  return db
    .selectFrom('run')
    .innerJoin('revision', join =>
      join.onRef('revision.submission', '=', 'run.submission').onRef('revision.number', '=', 'run.revision')
    )
    .selectAll('run')
    .select('revision.notebook');
}

/**
 * Returns the summary of a run.
 *
 * @throws CleanRoomError `not-found`
 */
export async function runSummary(db: Kysely<CoordinatorTables>, id: string): Promise<RunSummary> {
  const row = await selectRuns(db).where('run.id', '=', id).executeTakeFirst();
  const [view] = row === undefined ? [] : await summaries(db, [row]);
  if (view === undefined) throw noRun();
  return view;
}

/** Returns the summaries of a submission's runs, oldest first. */
export async function runsOfSubmission(
  db: Kysely<CoordinatorTables>,
  submission: string
): Promise<RunSummary[]> {
  return summaries(
    db,
    await selectRuns(db).where('run.submission', '=', submission).orderBy('run.id').execute()
  );
}

/** Returns a page of the runs that concern a party, newest first. */
export async function listRuns(
  db: Kysely<CoordinatorTables>,
  party: string,
  request: PageRequest,
  submission?: string
): Promise<PageResult<RunSummary>> {
  const rows = await selectRuns(db)
    .innerJoin('submission', 'submission.id', 'run.submission')
    .where(eb =>
      eb.or([
        eb('submission.party', '=', party),
        eb.exists(
          eb
            .selectFrom('decision')
            .select(sql`1`.as('one'))
            .whereRef('decision.submission', '=', 'run.submission')
            .where('decision.provider', '=', party)
        )
      ])
    )
    .$if(submission !== undefined, query => query.where('run.submission', '=', submission ?? ''))
    .$if(request.after !== undefined, query => query.where('run.id', '<', request.after ?? ''))
    .orderBy('run.id', 'desc')
    .limit(request.limit + 1)
    .execute();
  const page = pageOf(rows, request.limit, row => row.id);
  return { ...page, items: await summaries(db, page.items) };
}

/**
 * Returns a run, after checking that it concerns the caller's party.
 *
 * @throws CleanRoomError `not-found`
 */
export async function requireRun(db: Kysely<CoordinatorTables>, caller: Caller, id: string): Promise<RunRow> {
  const row = await db.selectFrom('run').selectAll().where('id', '=', id).executeTakeFirst();
  if (row === undefined) throw noRun();
  await requireConcerned(db, caller, row.submission);
  return row;
}

/**
 * Returns a run with its history, image and result.
 *
 * @throws CleanRoomError `not-found`
 */
export async function runView(db: Kysely<CoordinatorTables>, caller: Caller, id: string): Promise<Run> {
  const row = await requireRun(db, caller, id);
  const { image_digest } = await revisionAt(db, row.submission, row.revision);
  const result = await db
    .selectFrom('result')
    .select(['run_statement_digest', 'output_digest'])
    .where('run', '=', id)
    .executeTakeFirst();
  return {
    ...(await runSummary(db, id)),
    image: image_digest,
    ...(row.requested_by === null ? {} : { requestedBy: row.requested_by }),
    history: row.history,
    ...(result === undefined ? {} : { statement: result.run_statement_digest, output: result.output_digest })
  };
}
