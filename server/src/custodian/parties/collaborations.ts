import type { Client } from '@clean-room/api';
import { routes } from '@clean-room/api/coordinator';
import type { Envelope, PublicKey, ReadDocument } from '@clean-room/protocol/documents';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { openCollaboration, Roster, rootKeyOf, type Collaboration } from '@clean-room/protocol/parties';
import type { KnownRoster, RosterBook } from './roster-book.js';

/** A collaboration that this party has signed, with the newest roster of each member. */
export interface Membership {
  readonly collaboration: ReadDocument<Collaboration>;
  readonly envelope: Envelope;
  readonly rosters: ReadonlyMap<string, KnownRoster>;
}

/**
 * Opens a collaboration and makes sure that this party's root key has signed it: that signature is what makes the root
 * keys of the other members worth believing.
 * @throws CleanRoomError `signature-invalid`, `forbidden`
 */
export function openMembership(
  envelope: Envelope,
  party: string,
  rootKey: PublicKey
): ReadDocument<Collaboration> {
  const collaboration = openCollaboration(envelope);
  if (rootKeyOf(collaboration.value, party) !== rootKey) {
    throw new CleanRoomError('forbidden', `The collaboration names another root key for ${party}.`);
  }
  return collaboration;
}

/** Every collaboration of this party that the coordinator shows and that holds up. */
export async function fetchMemberships(
  coordinator: Client,
  rosters: RosterBook,
  party: string,
  rootKey: PublicKey
): Promise<Membership[]> {
  const { items } = await coordinator.call(routes.listCollaborations, {});
  return Promise.all(
    items.map(async item => {
      const collaboration = openMembership(item.envelope, party, rootKey);
      const known = new Map<string, KnownRoster>();
      for (const envelope of item.rosters) {
        const { party: member } = Roster.peek(envelope).value;
        known.set(member, await rosters.learn(envelope, member, rootKeyOf(collaboration.value, member)));
      }
      return { collaboration, envelope: item.envelope, rosters: known };
    })
  );
}
