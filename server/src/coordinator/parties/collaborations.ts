import type { Kysely } from 'kysely';
import type { Digest } from '@clean-room/protocol/bytes';
import type { Envelope, ReadDocument } from '@clean-room/protocol/documents';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { Collaboration, openCollaboration } from '@clean-room/protocol/parties';
import type { PublishedCollaboration } from '@clean-room/api/coordinator';
import type { CoordinatorContext } from '../context.js';
import type { CoordinatorTables } from '../database/tables.js';
import { newestRosterEnvelope } from './rosters.js';

/**
 * Saves a collaboration that all of its members have signed.
 *
 * @param party - the party that the caller acts for. It must be a member.
 * @throws CleanRoomError `forbidden`, `signature-invalid`, `conflict` when this server knows a member by another root key
 */
export async function publishCollaboration(
  context: CoordinatorContext,
  party: string,
  envelope: Envelope
): Promise<Digest> {
  const { value, digest } = openCollaboration(envelope);
  if (!value.members.some(member => member.party === party)) {
    throw new CleanRoomError('forbidden', `${party} is not a member of ${value.name}.`, {
      remedy: 'Act for a party that is a member.'
    });
  }
  await context.transact(async unit => {
    for (const { party: name, rootKey } of value.members) {
      await unit.trx
        .insertInto('party')
        .values({ name, root_key: rootKey })
        .onConflict(conflict => conflict.doNothing())
        .execute();
    }
    const known = await unit.trx
      .selectFrom('party')
      .selectAll()
      .where(
        'name',
        'in',
        value.members.map(member => member.party)
      )
      .execute();
    for (const { party: name, rootKey } of value.members) {
      if (known.find(row => row.name === name)?.root_key !== rootKey) {
        throw new CleanRoomError(
          'conflict',
          `This server knows ${name} by another root key than ${value.name}.`,
          {
            remedy: `Compare the root key with ${name} through another channel, for example by phone.`
          }
        );
      }
    }
    const inserted = await unit.trx
      .insertInto('collaboration')
      .values({ digest, name: value.name, envelope: JSON.stringify(envelope), published_at: unit.at })
      .onConflict(conflict => conflict.doNothing())
      .returning('digest')
      .executeTakeFirst();
    if (inserted === undefined) return;
    const members = value.members.map(member => ({ collaboration: digest, party: member.party }));
    await unit.trx.insertInto('collaboration_member').values(members).execute();
    unit.appendLogEntry({ subject: 'collaboration', id: value.name, state: 'agreed', evidence: digest });
  });
  return digest;
}

/** Returns the collaborations of a party, oldest first, each with the newest rosters of its members. */
export async function collaborationsOf(
  db: Kysely<CoordinatorTables>,
  party: string
): Promise<PublishedCollaboration[]> {
  const rows = await db
    .selectFrom('collaboration')
    .innerJoin('collaboration_member', 'collaboration_member.collaboration', 'collaboration.digest')
    .select(['collaboration.digest', 'collaboration.envelope'])
    .where('collaboration_member.party', '=', party)
    .orderBy('collaboration.published_at')
    .execute();
  const rosters = new Map<string, Envelope | undefined>();
  const collaborations: PublishedCollaboration[] = [];
  for (const { digest, envelope } of rows) {
    const members = Collaboration.peek(envelope).value.members.map(member => member.party);
    for (const member of members) {
      if (!rosters.has(member)) rosters.set(member, await newestRosterEnvelope(db, member));
    }
    collaborations.push({ digest, envelope, rosters: members.flatMap(member => rosters.get(member) ?? []) });
  }
  return collaborations;
}

/**
 * Returns a collaboration and its signed envelope.
 *
 * @throws CleanRoomError `not-found`
 */
export async function collaborationByDigest(
  db: Kysely<CoordinatorTables>,
  digest: Digest
): Promise<ReadDocument<Collaboration> & { readonly envelope: Envelope }> {
  const row = await db
    .selectFrom('collaboration')
    .select('envelope')
    .where('digest', '=', digest)
    .executeTakeFirst();
  if (row === undefined) {
    throw new CleanRoomError(
      'not-found',
      'This server does not know the collaboration that the submission names.',
      {
        remedy: 'Choose a collaboration of your party, or publish this one first.'
      }
    );
  }
  return { ...Collaboration.peek(row.envelope), envelope: row.envelope };
}
