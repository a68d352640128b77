import { Type, type Static, type TSchema } from 'typebox';
import { Closed, DigestField, PartyName, PersonId, Text } from '@clean-room/protocol/documents';

/** The id of a submission, run or comment. Ids sort in the order in which they were made. */
export const Id = Type.String({ pattern: '^[0-9a-hjkmnp-tv-z]{26}$' });
/** A time in UTC as ISO 8601 text with milliseconds. */
export const ApiTimestamp = Type.String();

/** Returns the schema of one page of a list. `next` is the `cursor` of the next page; the last page has none. */
export function PageOf<S extends TSchema>(item: S) {
  return Closed({ items: Type.Array(item), next: Type.Optional(Type.String()) });
}

/** The query parameters of a list in pages. */
export const PageQuery = Closed({
  cursor: Type.Optional(Type.String({ maxLength: 200 })),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 100 }))
});

/** The reason why something ended: a code for programs and a sentence for people. */
export const Reason = Closed({ code: Type.String({ pattern: '^[a-z-]{1,40}$' }), message: Text });
export type Reason = Static<typeof Reason>;

/** A person who did something, by their party and their id in its roster. */
export const Actor = Closed({ party: PartyName, person: PersonId });
export type Actor = Static<typeof Actor>;

/** The path parameters of a route about one submission or run. */
export const ById = Closed({ id: Id });
/** The path parameters of a route about bytes. */
export const ByDigest = Closed({ digest: DigestField });
