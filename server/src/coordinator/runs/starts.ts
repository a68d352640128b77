import { sql, type Kysely } from 'kysely';
import { CleanRoomError } from '@clean-room/protocol/errors';
import type { CoordinatorTables } from '../database/tables.js';
import type { RevisionRow } from '../state/transitions.js';
import { decisionsOf } from '../submissions/find.js';

/** How often a provider's custodian has released keys for a revision. */
interface UsedStarts {
  /** The number of attempts that received keys. */
  readonly starts: number;
  /** The number of runs that these attempts belong to. */
  readonly runs: number;
}

/** Returns, for each provider that has released keys for a revision, how often it did. */
async function usedStarts(
  db: Kysely<CoordinatorTables>,
  revision: Pick<RevisionRow, 'submission' | 'number'>
): Promise<Map<string, UsedStarts>> {
  const rows = await db
    .selectFrom('key_request')
    .innerJoin('attempt', 'attempt.id', 'key_request.attempt')
    .innerJoin('run', 'run.id', 'attempt.run')
    .select([
      'key_request.provider',
      sql<number>`count(distinct attempt.id)`.as('starts'),
      sql<number>`count(distinct run.id)`.as('runs')
    ])
    .where('run.submission', '=', revision.submission)
    .where('run.revision', '=', revision.number)
    .where(sql<boolean>`key_request.reply -> 'answer' is not null`)
    .groupBy('key_request.provider')
    .execute();
  return new Map(rows.map(({ provider, starts, runs }) => [provider, { starts, runs }]));
}

/**
 * Checks that every provider has approved another run of a revision. The custodians enforce it; this check tells people early.
 *
 * @throws CleanRoomError `attempts-spent`
 */
export async function requireAnotherRun(db: Kysely<CoordinatorTables>, revision: RevisionRow): Promise<void> {
  const used = await usedStarts(db, revision);
  for (const { provider, runs } of await decisionsOf(db, revision)) {
    if (runs === null || (used.get(provider)?.runs ?? 0) < runs) continue;
    throw new CleanRoomError(
      'attempts-spent',
      `All runs that ${provider} approved have been used (${runs}).`,
      {
        remedy: `Submit again, and ask ${provider} to approve as many runs as you need.`
      }
    );
  }
}

/** Returns the providers whose custodian has released keys to an attempt of a run. */
async function providersWithKeys(db: Kysely<CoordinatorTables>, run: string): Promise<string[]> {
  const rows = await db
    .selectFrom('key_request')
    .innerJoin('attempt', 'attempt.id', 'key_request.attempt')
    .select('key_request.provider')
    .distinct()
    .where('attempt.run', '=', run)
    .where(sql<boolean>`key_request.reply -> 'answer' is not null`)
    .execute();
  return rows.map(({ provider }) => provider);
}

/** The starts that another attempt of a run would use. */
export interface NextStart {
  /** Whether keys were released to an earlier attempt of the run. */
  readonly afterKeys: boolean;
  /** A provider that has released keys and has no spare start left. The attempt must not start. */
  readonly spentBy?: string;
}

/** Returns whether another attempt of a run may start, as far as the approvals are concerned. */
export async function nextStart(
  db: Kysely<CoordinatorTables>,
  revision: RevisionRow,
  run: string
): Promise<NextStart> {
  const opened = await providersWithKeys(db, run);
  if (opened.length === 0) return { afterKeys: false };
  const used = await usedStarts(db, revision);
  const decisions = await decisionsOf(db, revision);
  const spentBy = opened.find(provider => {
    const { starts, runs } = used.get(provider) ?? { starts: 0, runs: 0 };
    const spare = decisions.find(decision => decision.provider === provider)?.spare_starts ?? 0;
    return starts - runs >= spare;
  });
  return { afterKeys: true, ...(spentBy === undefined ? {} : { spentBy }) };
}
