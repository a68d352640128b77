import path from 'node:path';
import { writeFileAtomic } from '@clean-room/node-support';
import { checkSchema, parseStrictJson, type Envelope } from '@clean-room/protocol/documents';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { Passkey, Roster } from '@clean-room/protocol/parties';
import { utf8 } from '@clean-room/protocol/bytes';
import { routes } from '@clean-room/api/coordinator';
import type { CustodianContext } from '../context.js';
import { readSigningKey } from '../keys/key-folder.js';

/**
 * Returns the next version of the roster: the newest one plus the enrolled passkeys that it does not list yet.
 *
 * @returns undefined when the newest roster lists all enrolled passkeys
 * @throws CleanRoomError `not-found` when this custodian has no roster of its party
 */
export async function nextRoster({ db, rosters, config }: CustodianContext): Promise<Roster | undefined> {
  const newest = await rosters.newest(config.party, config.rootKey);
  if (newest === undefined)
    throw new CleanRoomError('not-found', `This custodian has no roster of ${config.party} yet.`);
  const enrolled = await db.selectFrom('enrolment').selectAll().orderBy('enrolled_at').execute();
  const listed = new Set(
    newest.roster.people.flatMap(({ passkeys }) => passkeys.map(({ credentialId }) => credentialId))
  );
  const missing = enrolled.filter(row => !listed.has(row.credential_id));
  if (missing.length === 0) return undefined;
  const added = (person: string): Passkey[] =>
    missing
      .filter(row => row.person === person)
      .map(row => checkSchema(Passkey, parseStrictJson(utf8(row.passkey)), 'enrolled passkey'));
  return {
    ...newest.roster,
    version: newest.roster.version + 1,
    people: newest.roster.people.map(person => ({
      ...person,
      passkeys: [...person.passkeys, ...added(person.id)]
    }))
  };
}

async function publish({ coordinator, rosters, config }: CustodianContext, roster: Envelope): Promise<void> {
  await coordinator.call(routes.publishRoster, { body: { roster } });
  await rosters.store(roster, config.party, config.rootKey);
}

/**
 * Stores a new passkey. It becomes valid when the party's root key has signed a roster that lists it. A demo custodian has
 * that key and signs the roster at once.
 *
 * @param person - the id of the passkey's owner
 * @returns whether the passkey is valid already
 */
export async function enrol(context: CustodianContext, person: string, passkey: Passkey): Promise<boolean> {
  const { db, config, folder, now } = context;
  await db
    .insertInto('enrolment')
    .values({
      credential_id: passkey.credentialId,
      person,
      passkey: JSON.stringify(passkey),
      enrolled_at: now()
    })
    .onConflict(conflict => conflict.column('credential_id').doNothing())
    .execute();
  if (config.demo === undefined) return false;
  const next = await nextRoster(context);
  if (next === undefined) return true;
  const root = await readSigningKey(path.resolve(folder, config.demo.rootKeyFile));
  const signed = Roster.sign(next, root);
  await publish(context, signed);
  await writeFileAtomic(
    path.resolve(folder, config.demo.rosterFile),
    `${JSON.stringify(signed, undefined, 2)}\n`,
    0o644
  );
  return true;
}
