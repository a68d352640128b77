import type { Kysely } from 'kysely';
import type { Digest } from '@clean-room/protocol/bytes';
import type { Envelope } from '@clean-room/protocol/documents';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { Roster } from '@clean-room/protocol/parties';
import type { CoordinatorContext } from '../context.js';
import type { CoordinatorTables } from '../database/tables.js';

const REMEMBERED_MILLISECONDS = 1000;
const cache = new WeakMap<
  Kysely<CoordinatorTables>,
  Map<string, { roster: Roster | undefined; until: number }>
>();

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

/** The newest roster of a party, at most a second old: every request asks for it. */
export async function newestRoster(
  db: Kysely<CoordinatorTables>,
  party: string
): Promise<Roster | undefined> {
  const known = cache.get(db) ?? new Map<string, { roster: Roster | undefined; until: number }>();
  cache.set(db, known);
  const remembered = known.get(party);
  if (remembered !== undefined && remembered.until > Date.now()) return remembered.roster;
  const envelope = await newestRosterEnvelope(db, party);
  const roster = envelope === undefined ? undefined : Roster.peek(envelope).value;
  known.set(party, { roster, until: Date.now() + REMEMBERED_MILLISECONDS });
  return roster;
}

/**
 * Takes in a party's roster, signed by its root key. Versions never go back, and one version has one content.
 * @param party for whom the caller acts
 * @throws CleanRoomError `forbidden`, `conflict`, `signature-invalid`
 */
export async function publishRoster(
  context: CoordinatorContext,
  party: string,
  envelope: Envelope
): Promise<Digest> {
  const { rootKey } = Roster.peek(envelope).value;
  const { value, digest } = Roster.open(envelope, rootKey);
  if (value.party !== party) {
    throw new CleanRoomError('forbidden', `You act for ${party}; this is the roster of ${value.party}.`);
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
      throw new CleanRoomError('conflict', `${party} has another root key here.`, {
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
      throw new CleanRoomError(
        'conflict',
        `The roster of ${party} is at version ${newest.version} already.`,
        {
          remedy: `Sign it anew as version ${newest.version + 1}.`
        }
      );
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
  cache.get(context.db)?.delete(party);
  return digest;
}
