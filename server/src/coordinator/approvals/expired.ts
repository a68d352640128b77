import type { Kysely } from 'kysely';
import type { CoordinatorTables } from '../database/tables.js';

/** Maximum number of revisions that are found at once. The others are found a moment later. */
const BATCH = 100;

/**
 * Returns open revisions that have expired, or that have an expired approval. Indexes on these times make this fast enough to
 * repeat it every second.
 */
export async function expiredRevisions(
  db: Kysely<CoordinatorTables>,
  now: Date
): Promise<{ submission: string; revision: number }[]> {
  const ended = db
    .selectFrom('revision')
    .select(['submission', 'number as revision'])
    .where('state', 'in', ['submitted', 'approved'])
    .where('expires_at', '<=', now)
    .orderBy('expires_at')
    .limit(BATCH);
  const withEndedApproval = db
    .selectFrom('decision')
    .innerJoin('revision', join =>
      join
        .onRef('revision.submission', '=', 'decision.submission')
        .onRef('revision.number', '=', 'decision.revision')
    )
    .select(['decision.submission', 'decision.revision'])
    .where('decision.state', '=', 'approved')
    .where('decision.expires_at', '<=', now)
    .where('revision.state', 'in', ['submitted', 'approved'])
    .orderBy('decision.expires_at')
    .limit(BATCH);
  const rows = [...(await ended.execute()), ...(await withEndedApproval.execute())];
  return [...new Map(rows.map(row => [`${row.submission}/${row.revision}`, row])).values()];
}
