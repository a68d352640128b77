import {
  fromTimestamp,
  toTimestamp,
  type Envelope,
  type PublicKey,
  type SigningKey
} from '@clean-room/protocol/documents';
import { CleanRoomError, isCleanRoomError } from '@clean-room/protocol/errors';
import {
  Collaboration,
  openCollaboration,
  Roster,
  type Custodian,
  type Person
} from '@clean-room/protocol/parties';
import { ensureSigningKey } from '../../custodian/index.js';
import { readEnvelope, writeJson, type DemoLayout } from './layout.js';

/** A party of the demo, with the current keys and addresses of its people and custodian. */
export interface DemoParty {
  readonly party: string;
  readonly title: string;
  readonly people: readonly Person[];
  readonly custodian?: Custodian;
}

/** A party with its root key and signed roster. */
export interface PartyWithKeys {
  readonly party: string;
  readonly title: string;
  readonly root: SigningKey;
  readonly roster: Envelope;
}

/** Returns whether two rosters differ at most in their versions. */
function sameExceptVersion(a: Roster, b: Roster): boolean {
  const withoutVersion = ({ version: _version, ...rest }: Roster) => Roster.write({ ...rest, version: 0 });
  return Buffer.from(withoutVersion(a)).equals(Buffer.from(withoutVersion(b)));
}

/**
 * Creates a party's root key and roster, or updates them. Passkeys that people have enrolled are kept. A changed key or origin
 * results in the next version of the roster.
 */
export async function ensureParty(
  layout: DemoLayout,
  { party, title, people, custodian }: DemoParty
): Promise<PartyWithKeys> {
  const root = await ensureSigningKey(layout.rootKey(party));
  const file = layout.roster(party);
  const before = await readEnvelope(file);
  const previous = before === undefined ? undefined : Roster.open(before, root.publicKey).value;
  const passkeysOf = (person: Person) => {
    const enrolled = previous?.people.find(({ id }) => id === person.id)?.passkeys ?? [];
    return enrolled.filter(({ origin }) => origin === custodian?.origin);
  };
  const roster: Roster = {
    format: 'clean-room.roster/v1',
    party,
    title,
    rootKey: root.publicKey,
    version: (previous?.version ?? 0) + 1,
    people: people.map(person => ({ ...person, passkeys: passkeysOf(person) })),
    ...(custodian === undefined ? {} : { custodian }),
    jupyterHost: 'own'
  };
  if (before !== undefined && previous !== undefined && sameExceptVersion(previous, roster)) {
    return { party, title, root, roster: before };
  }
  const signed = Roster.sign(roster, root);
  await writeJson(file, signed);
  return { party, title, root, roster: signed };
}

/** Returns the roster in an envelope, or undefined if it has the form of an earlier version. */
function currentRoster(envelope: Envelope, rootKey: PublicKey): Roster | undefined {
  return unlessMalformed(() => Roster.open(envelope, rootKey).value);
}

function unlessMalformed<T>(open: () => T): T | undefined {
  try {
    return open();
  } catch (error) {
    if (isCleanRoomError(error) && error.code === 'malformed') return undefined;
    throw error;
  }
}

/**
 * Refuses a folder whose demo has other parties than this version's, or documents of an earlier form.
 * @throws CleanRoomError `conflict`
 */
export async function requireCurrentDemo(layout: DemoLayout, parties: readonly string[]): Promise<void> {
  const existing = await readEnvelope(layout.collaboration);
  if (existing === undefined) return;
  const members = unlessMalformed(() => openCollaboration(existing).value.members) ?? [];
  const rosters = await Promise.all(
    members.map(async ({ party, rootKey }) => {
      const envelope = await readEnvelope(layout.roster(party));
      return envelope === undefined || currentRoster(envelope, rootKey) !== undefined;
    })
  );
  const same = members.map(({ party }) => party).join() === parties.join();
  if (same && rosters.every(Boolean)) return;
  throw new CleanRoomError(
    'conflict',
    `The demo in ${layout.root} was created by an earlier version. This version cannot read it.`,
    { remedy: 'Delete the folder, or choose another one, and start again.' }
  );
}

/** The content of the demo's collaboration. */
export interface DemoCollaboration {
  readonly name: string;
  readonly title: string;
  readonly purposes: readonly string[];
}

const TWO_YEARS_MS = 2 * 365 * 86_400_000;

/** Returns whether an existing collaboration has not ended and has the wanted content. */
function isCurrent(
  envelope: Envelope,
  wanted: DemoCollaboration,
  members: readonly PublicKey[],
  now: Date
): boolean {
  const { value } = openCollaboration(envelope);
  return (
    fromTimestamp(value.ends) > now &&
    value.members.map(({ rootKey }) => rootKey).join() === members.join() &&
    value.purposes.join() === wanted.purposes.join()
  );
}

/** Creates the demo's collaboration, signed by every party, or keeps the existing one while it is up to date. */
export async function ensureCollaboration(
  layout: DemoLayout,
  wanted: DemoCollaboration,
  parties: readonly PartyWithKeys[],
  now: Date
): Promise<Envelope> {
  const before = await readEnvelope(layout.collaboration);
  const roots = parties.map(({ root }) => root.publicKey);
  if (before !== undefined && isCurrent(before, wanted, roots, now)) return before;
  const collaboration: Collaboration = {
    format: 'clean-room.collaboration/v1',
    name: wanted.name,
    title: wanted.title,
    members: parties.map(({ party, title, root }) => ({ party, title, rootKey: root.publicKey })),
    purposes: [...wanted.purposes],
    ends: toTimestamp(new Date(now.getTime() + TWO_YEARS_MS))
  };
  const signed = Collaboration.sign(collaboration, ...parties.map(({ root }) => root));
  await writeJson(layout.collaboration, signed);
  return signed;
}
