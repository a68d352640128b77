import type { Kysely } from 'kysely';
import type { Digest } from '@clean-room/protocol/bytes';
import type { Envelope } from '@clean-room/protocol/documents';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { Roster } from '@clean-room/protocol/parties';
import type { CoordinatorContext } from '../context.js';
import type { CoordinatorTables } from '../database/tables.js';

const CACHE_MS = 1000;

type RosterCache = Map<string, { roster: Roster | undefined; until: number }>;

/** Newest rosters by party, for each open database. */
const caches = new WeakMap<Kysely<CoordinatorTables>, RosterCache>();

/** Returns the newest signed roster of a party, if it has published one. */
export async function newestRosterEnvelope(
  db: Kysely<CoordinatorTables>,
  party: string
): Promise<Envelope | undefined> {
  const row = await db
    .selectFrom('roster')
    .select('envelope')
    .where('party', '=', party)
    .orderBy('version', 'desc')
    .limit(1)
    .executeTakeFirst();
  return row?.envelope;
}

/** Returns the newest roster of a party. Every request needs it, so it is cached for one second. */
export async function newestRoster(
  db: Kysely<CoordinatorTables>,
  party: string
): Promise<Roster | undefined> {
  const cache = caches.get(db) ?? (new Map() as RosterCache);
  caches.set(db, cache);
  const cached = cache.get(party);
  if (cached !== undefined && cached.until > Date.now()) return cached.roster;
  const envelope = await newestRosterEnvelope(db, party);
  const roster = envelope === undefined ? undefined : Roster.peek(envelope).value;
  cache.set(party, { roster, until: Date.now() + CACHE_MS });
  return roster;
}

/**
 * Saves a party's roster, signed by its root key. Version numbers only increase, and a version number always has the same
 * content. Saving the newest roster again changes nothing.
 *
 * @param party - the party that the caller acts for
 * @throws CleanRoomError `forbidden`, `signature-invalid`, `conflict` when the root key or the version does not match
 */
export async function publishRoster(
  context: CoordinatorContext,
  party: string,
  envelope: Envelope
): Promise<Digest> {
  const { rootKey } = Roster.peek(envelope).value;
  const { value, digest } = Roster.open(envelope, rootKey);
  if (value.party !== party) {
    throw new CleanRoomError('forbidden', `You act for ${party}, but this is the roster of ${value.party}.`, {
      remedy: `Act for ${value.party}, or send the roster of ${party}.`
    });
  }
  await context.transact(async unit => {
    await unit.trx
      .insertInto('party')
      .values({ name: party, root_key: rootKey })
      .onConflict(conflict => conflict.doNothing())
      .execute();
    const known = await unit.trx
      .selectFrom('party')
      .select('root_key')
      .where('name', '=', party)
      .forUpdate()
      .executeTakeFirstOrThrow();
    if (known.root_key !== rootKey) {
      throw new CleanRoomError('conflict', `This server knows ${party} by another root key.`, {
        remedy: 'Sign the roster with the party’s own root key.'
      });
    }
    const newest = await unit.trx
      .selectFrom('roster')
      .select(['version', 'digest'])
      .where('party', '=', party)
      .orderBy('version', 'desc')
      .limit(1)
      .executeTakeFirst();
    if (newest?.digest === digest) return;
    if (newest !== undefined && value.version <= newest.version) {
      throw new CleanRoomError('conflict', `The roster of ${party} already has version ${newest.version}.`, {
        remedy: `Sign your change as version ${newest.version + 1}.`
      });
    }
    await unit.trx
      .insertInto('roster')
      .values({
        party,
        version: value.version,
        digest,
        envelope: JSON.stringify(envelope),
        published_at: unit.at
      })
      .execute();
    unit.appendLogEntry({
      subject: 'roster',
      id: party,
      state: `version-${value.version}`,
      evidence: digest
    });
  });
  caches.get(context.db)?.delete(party);
  return digest;
}
