import { CleanRoomError } from '@clean-room/protocol/errors';
import type { Person } from '@clean-room/protocol/parties';
import type { CustodianContext } from '../context.js';

/** The party's own people that have something to do here, as its newest roster says. */
export async function reviewers({ rosters, config }: CustodianContext): Promise<Person[]> {
  const known = await rosters.newest(config.party, config.rootKey);
  return known?.roster.people.filter(({ roles }) => roles.includes('reviewer')) ?? [];
}

/** @throws CleanRoomError `forbidden` for who is not, or no longer, a reviewer of this party */
export async function requireReviewer(context: CustodianContext, id: string): Promise<Person> {
  const person = (await reviewers(context)).find(candidate => candidate.id === id);
  if (person !== undefined) return person;
  throw new CleanRoomError(
    'forbidden',
    `The roster of ${context.config.party} does not list you as a reviewer.`,
    {
      remedy: 'Ask whoever keeps the roster to list you.'
    }
  );
}
