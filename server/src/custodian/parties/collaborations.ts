import type { Client } from '@clean-room/api';
import { routes } from '@clean-room/api/coordinator';
import type { Envelope, PublicKey, ReadDocument } from '@clean-room/protocol/documents';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { openCollaboration, Roster, rootKeyOf, type Collaboration } from '@clean-room/protocol/parties';
import type { KnownRoster, RosterBook } from './roster-book.js';

/** A collaboration that this party has signed, with the newest known roster of each member. */
export interface Membership {
  readonly collaboration: ReadDocument<Collaboration>;
  readonly envelope: Envelope;
  /** The rosters by party name. */
  readonly rosters: ReadonlyMap<string, KnownRoster>;
}

/**
 * Opens a collaboration and checks that this party's root key has signed it. Because of this signature, the root keys of
 * the other members can be trusted.
 *
 * @throws CleanRoomError `signature-invalid`, `forbidden`
 */
export function openMembership(
  envelope: Envelope,
  party: string,
  rootKey: PublicKey
): ReadDocument<Collaboration> {
  const collaboration = openCollaboration(envelope);
  if (rootKeyOf(collaboration.value, party) !== rootKey) {
    throw new CleanRoomError('forbidden', `The collaboration names a different root key for ${party}.`);
  }
  return collaboration;
}

/**
 * Fetches the collaborations of this party, and stores the newest roster of each member.
 *
 * @param rootKey - this party's own root key
 * @throws CleanRoomError `signature-invalid`, `forbidden`, or `conflict` when a member has two rosters of one version
 */
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
      const newest = new Map<string, KnownRoster>();
      for (const envelope of item.rosters) {
        const { party: member } = Roster.peek(envelope).value;
        newest.set(member, await rosters.store(envelope, member, rootKeyOf(collaboration.value, member)));
      }
      return { collaboration, envelope: item.envelope, rosters: newest };
    })
  );
}
