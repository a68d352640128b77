import type { Kysely } from 'kysely';
import type { Digest } from '@clean-room/protocol/bytes';
import { CleanRoomError } from '@clean-room/protocol/errors';
import type { CoordinatorTables } from '../database/tables.js';

/** Allows parties to read objects, because they uploaded them or receive them. */
export async function grantObjects(
  db: Kysely<CoordinatorTables>,
  digests: readonly Digest[],
  parties: readonly string[],
  at: Date
): Promise<void> {
  const rows = [...new Set(digests)].flatMap(digest =>
    [...new Set(parties)].map(party => ({ digest, party, granted_at: at }))
  );
  for (let start = 0; start < rows.length; start += 1000) {
    await db
      .insertInto('object_grant')
      .values(rows.slice(start, start + 1000))
      .onConflict(conflict => conflict.doNothing())
      .execute();
  }
}

/** Returns those of `digests` that the party has not been granted. */
export async function withoutGrant(
  db: Kysely<CoordinatorTables>,
  digests: readonly Digest[],
  party: string
): Promise<Digest[]> {
  const granted = new Set<Digest>();
  for (let start = 0; start < digests.length; start += 1000) {
    const rows = await db
      .selectFrom('object_grant')
      .select('digest')
      .where('party', '=', party)
      .where('digest', 'in', digests.slice(start, start + 1000))
      .execute();
    for (const { digest } of rows) granted.add(digest);
  }
  return digests.filter(digest => !granted.has(digest));
}

/**
 * Checks that a party may read an object: the object was granted to it, or is the stand-in of an asset in one of its
 * collaborations. The error is the same for missing and for forbidden objects, so that it reveals nothing.
 *
 * @throws CleanRoomError `not-found`
 */
export async function requireReadable(
  db: Kysely<CoordinatorTables>,
  digest: Digest,
  party: string
): Promise<void> {
  if ((await withoutGrant(db, [digest], party)).length === 0) return;
  const standIn = await db
    .selectFrom('asset_version')
    .innerJoin('asset', 'asset.name', 'asset_version.asset')
    .innerJoin('policy', 'policy.digest', 'asset.policy_digest')
    .innerJoin('collaboration_member', 'collaboration_member.collaboration', 'policy.collaboration')
    .select('asset_version.digest')
    .where('asset_version.stand_in_digest', '=', digest)
    .where('collaboration_member.party', '=', party)
    .limit(1)
    .executeTakeFirst();
  if (standIn !== undefined) return;
  throw new CleanRoomError(
    'not-found',
    `The object ${digest} does not exist on this server, or is not shared with ${party}.`
  );
}
