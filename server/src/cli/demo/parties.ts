import {
  fromTimestamp,
  toTimestamp,
  type Envelope,
  type PublicKey,
  type SigningKey
} from '@clean-room/protocol/documents';
import {
  Collaboration,
  openCollaboration,
  Roster,
  type Custodian,
  type Person
} from '@clean-room/protocol/parties';
import { ensureSigningKey } from '../../custodian/keys/key-folder.js';
import { readEnvelope, writeJson } from './documents.js';
import type { DemoLayout } from './layout.js';

export interface DemoParty {
  readonly party: string;
  readonly title: string;
  readonly people: readonly Person[];
  readonly custodian?: Custodian;
}

export interface FoundedParty {
  readonly party: string;
  readonly title: string;
  readonly root: SigningKey;
  readonly roster: Envelope;
}

function sameButVersion(a: Roster, b: Roster): boolean {
  const bare = ({ version: _version, ...rest }: Roster) => Roster.write({ ...rest, version: 0 });
  return Buffer.from(bare(a)).equals(Buffer.from(bare(b)));
}

/**
 * A party's root key and roster, made at the first start and kept. What people enrolled since (their passkeys) stays;
 * what the demo itself knows anew (keys, origin) makes the next version.
 */
export async function foundParty(
  layout: DemoLayout,
  { party, title, people, custodian }: DemoParty
): Promise<FoundedParty> {
  const root = await ensureSigningKey(layout.rootKey(party));
  const file = layout.roster(party);
  const before = await readEnvelope(file);
  const known = before === undefined ? undefined : Roster.open(before, root.publicKey).value;
  const passkeysOf = (person: Person) => {
    const enrolled = known?.people.find(({ id }) => id === person.id)?.passkeys ?? [];
    return enrolled.filter(({ origin }) => origin === custodian?.origin);
  };
  const roster: Roster = {
    format: 'clean-room.roster/v1',
    party,
    title,
    rootKey: root.publicKey,
    version: (known?.version ?? 0) + 1,
    people: people.map(person => ({ ...person, passkeys: passkeysOf(person) })),
    ...(custodian === undefined ? {} : { custodian }),
    jupyterHost: 'own'
  };
  if (before !== undefined && known !== undefined && sameButVersion(known, roster)) {
    return { party, title, root, roster: before };
  }
  const signed = Roster.sign(roster, root);
  await writeJson(file, signed);
  return { party, title, root, roster: signed };
}

export interface DemoCollaboration {
  readonly name: string;
  readonly title: string;
  readonly assets: readonly string[];
  readonly purposes: readonly string[];
}

const TWO_YEARS_MS = 2 * 365 * 86_400_000;

function stillHolds(
  envelope: Envelope,
  wanted: DemoCollaboration,
  members: readonly PublicKey[],
  now: Date
): boolean {
  const { value } = openCollaboration(envelope);
  return (
    fromTimestamp(value.ends) > now &&
    value.members.map(({ rootKey }) => rootKey).join() === members.join() &&
    value.assets.join() === wanted.assets.join() &&
    value.purposes.join() === wanted.purposes.join()
  );
}

/** The one collaboration of the demo, signed by every party. Kept while it still says what is wanted. */
export async function foundCollaboration(
  layout: DemoLayout,
  wanted: DemoCollaboration,
  parties: readonly FoundedParty[],
  now: Date
): Promise<Envelope> {
  const before = await readEnvelope(layout.collaboration);
  const roots = parties.map(({ root }) => root.publicKey);
  if (before !== undefined && stillHolds(before, wanted, roots, now)) return before;
  const collaboration: Collaboration = {
    format: 'clean-room.collaboration/v1',
    name: wanted.name,
    title: wanted.title,
    members: parties.map(({ party, title, root }) => ({ party, title, rootKey: root.publicKey })),
    assets: [...wanted.assets],
    purposes: [...wanted.purposes],
    ends: toTimestamp(new Date(now.getTime() + TWO_YEARS_MS))
  };
  const signed = Collaboration.sign(collaboration, ...parties.map(({ root }) => root));
  await writeJson(layout.collaboration, signed);
  return signed;
}
