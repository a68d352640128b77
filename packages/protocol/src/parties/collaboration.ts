import { Type, type Static } from 'typebox';
import { defineDocument, type ReadDocument } from '../documents/document.js';
import type { Envelope } from '../documents/dsse.js';
import { Closed, PartyName, Timestamp, Title } from '../documents/fields.js';
import { PublicKey } from '../documents/keys.js';
import { CleanRoomError } from '../errors/index.js';

/** A party in a collaboration. */
const Member = Closed({
  party: PartyName,
  title: Title,
  /** The parties compare it out of band. All other trust in a party is derived from it. */
  rootKey: PublicKey
});

/**
 * The agreement of parties: members, purposes and end. Signed by the root key of every member. It lists no datasets: a provider
 * adds a dataset by naming the collaboration in the dataset's policy, which needs no other signature.
 */
export const Collaboration = defineDocument(
  'collaboration',
  1,
  Closed({
    format: Type.Literal('clean-room.collaboration/v1'),
    name: PartyName,
    title: Title,
    members: Type.Array(Member, { minItems: 1, maxItems: 64 }),
    purposes: Type.Array(Title, { minItems: 1, maxItems: 100 }),
    ends: Timestamp
  })
);
export type Collaboration = Static<typeof Collaboration.schema>;

/**
 * Reads a collaboration that all of its members have signed. The caller must check that these are the expected members.
 *
 * @throws CleanRoomError `malformed` when it names a party twice
 * @throws CleanRoomError `signature-invalid` when the signature of a member is missing or invalid
 */
export function openCollaboration(envelope: Envelope): ReadDocument<Collaboration> {
  const { value } = Collaboration.peek(envelope);
  const names = new Set(value.members.map(member => member.party));
  if (names.size !== value.members.length) {
    throw new CleanRoomError('malformed', 'The collaboration names a party twice.');
  }
  const [first, ...others] = value.members.map(member => member.rootKey);
  if (first === undefined) throw new CleanRoomError('malformed', 'The collaboration has no members.');
  return Collaboration.open(envelope, first, ...others);
}

/**
 * Returns the root key of a party, as the members have agreed on it.
 *
 * @throws CleanRoomError `forbidden` when the party is not a member
 */
export function rootKeyOf(collaboration: Collaboration, party: string): PublicKey {
  const member = collaboration.members.find(candidate => candidate.party === party);
  if (member === undefined) {
    throw new CleanRoomError('forbidden', `${party} is not a member of ${collaboration.name}.`);
  }
  return member.rootKey;
}
