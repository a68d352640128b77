import { Type, type Static, type TSchema } from 'typebox';
import { Closed, DigestField, PartyName, PersonId, Text } from '@clean-room/protocol/documents';

/** The id of a submission, run or comment. Later ones sort behind earlier ones. */
export const Id = Type.String({ pattern: '^[0-9a-hjkmnp-tv-z]{26}$' });
/** A moment as ISO 8601 text with milliseconds, UTC. */
export const ApiTimestamp = Type.String();

/** One page of a list. `next` is the `cursor` of the page that follows; absent on the last. */
export function PageOf<S extends TSchema>(item: S) {
  return Closed({ items: Type.Array(item), next: Type.Optional(Type.String()) });
}

export const PageQuery = Closed({
  cursor: Type.Optional(Type.String({ maxLength: 200 })),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 100 }))
});

/** Why something ended as it did: a code to switch over, a sentence to read. */
export const Reason = Closed({ code: Type.String({ pattern: '^[a-z-]{1,40}$' }), message: Text });
export type Reason = Static<typeof Reason>;

/** Who did something, as their party's roster names them. */
export const Actor = Closed({ party: PartyName, person: PersonId });
export type Actor = Static<typeof Actor>;

export const ById = Closed({ id: Id });
export const ByDigest = Closed({ digest: DigestField });
