import type { Kysely } from 'kysely';
import type { Digest } from '@clean-room/protocol/bytes';
import { CleanRoomError } from '@clean-room/protocol/errors';
import type { CoordinatorTables } from '../database/tables.js';

/** Lets a party read objects: it has put them, or they are meant for it. */
export async function grant(
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

/** Which of `digests` the party was not given. */
export async function withoutGrant(
  db: Kysely<CoordinatorTables>,
  digests: readonly Digest[],
  party: string
): Promise<Digest[]> {
  const given = new Set<Digest>();
  for (let start = 0; start < digests.length; start += 1000) {
    const rows = await db
      .selectFrom('object_grant')
      .select('digest')
      .where('party', '=', party)
      .where('digest', 'in', digests.slice(start, start + 1000))
      .execute();
    for (const { digest } of rows) given.add(digest);
  }
  return digests.filter(digest => !given.has(digest));
}

/**
 * Whether a party may read an object: it was given it, or it is the stand-in of an asset in one of its collaborations.
 * What may not be read looks the same as what is not there.
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
    .innerJoin('collaboration_asset', 'collaboration_asset.asset', 'asset_version.asset')
    .innerJoin(
      'collaboration_member',
      'collaboration_member.collaboration',
      'collaboration_asset.collaboration'
    )
    .select('asset_version.digest')
    .where('asset_version.stand_in_digest', '=', digest)
    .where('collaboration_member.party', '=', party)
    .limit(1)
    .executeTakeFirst();
  if (standIn !== undefined) return;
  throw new CleanRoomError('not-found', `The object ${digest} is not here, or not for ${party}.`);
}
