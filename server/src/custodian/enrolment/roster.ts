import path from 'node:path';
import type { Envelope } from '@clean-room/protocol/documents';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { Passkey, Roster } from '@clean-room/protocol/parties';
import { checkSchema, parseStrictJson } from '@clean-room/protocol/documents';
import { utf8 } from '@clean-room/protocol/bytes';
import { routes } from '@clean-room/api/coordinator';
import type { CustodianContext } from '../context.js';
import { writeFileAtomic } from '@clean-room/node-support';
import { readSigningKey } from '../keys/key-folder.js';

/** The roster as it would be next: the newest one, and the passkeys that wait. Nothing when none waits. */
export async function nextRoster({ db, rosters, config }: CustodianContext): Promise<Roster | undefined> {
  const known = await rosters.newest(config.party, config.rootKey);
  if (known === undefined)
    throw new CleanRoomError('not-found', `No roster of ${config.party} is known here.`);
  const waiting = await db.selectFrom('enrolment').selectAll().orderBy('at').execute();
  const listed = new Set(
    known.roster.people.flatMap(({ passkeys }) => passkeys.map(({ credentialId }) => credentialId))
  );
  const missing = waiting.filter(({ credential }) => !listed.has(credential));
  if (missing.length === 0) return undefined;
  const added = (person: string): Passkey[] =>
    missing
      .filter(row => row.person === person)
      .map(row => checkSchema(Passkey, parseStrictJson(utf8(row.passkey)), 'waiting passkey'));
  return {
    ...known.roster,
    version: known.roster.version + 1,
    people: known.roster.people.map(person => ({
      ...person,
      passkeys: [...person.passkeys, ...added(person.id)]
    }))
  };
}

async function publish({ coordinator, rosters, config }: CustodianContext, roster: Envelope): Promise<void> {
  await coordinator.call(routes.publishRoster, { body: { roster } });
  await rosters.learn(roster, config.party, config.rootKey);
}

/**
 * Keeps a new passkey. Who keeps the root key signs the roster that lists it; a demo custodian has the key itself.
 * @returns whether the passkey counts already
 */
export async function enrol(context: CustodianContext, person: string, passkey: Passkey): Promise<boolean> {
  const { db, config, folder, now } = context;
  await db
    .insertInto('enrolment')
    .values({ credential: passkey.credentialId, person, passkey: JSON.stringify(passkey), at: now() })
    .onConflict(conflict => conflict.column('credential').doNothing())
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
