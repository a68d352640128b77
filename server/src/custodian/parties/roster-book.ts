import type { Kysely } from 'kysely';
import { checkSchema, Envelope, parseStrictJson, type PublicKey } from '@clean-room/protocol/documents';
import { utf8 } from '@clean-room/protocol/bytes';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { Roster } from '@clean-room/protocol/parties';
import type { CustodianTables } from '../database/tables.js';

/** A verified roster and the signed envelope that it came in. */
export interface KnownRoster {
  readonly roster: Roster;
  readonly envelope: Envelope;
}

/** The newest roster of each party. A newer roster replaces an older one, never the reverse. */
export class RosterBook {
  readonly #db: Kysely<CustodianTables>;

  constructor(db: Kysely<CustodianTables>) {
    this.#db = db;
  }

  /**
   * Stores a roster unless a newer one of the same party is stored.
   *
   * @returns the newest roster of the party
   * @throws CleanRoomError `signature-invalid`, or `conflict` for a second, different roster of the same version
   */
  async store(envelope: Envelope, party: string, rootKey: PublicKey): Promise<KnownRoster> {
    const { value } = Roster.open(envelope, rootKey);
    if (value.party !== party || value.rootKey !== rootKey) {
      throw new CleanRoomError(
        'signature-invalid',
        `The roster that was sent for ${party} belongs to a different party.`
      );
    }
    const text = JSON.stringify(envelope);
    await this.#db
      .insertInto('roster')
      .values({ party, version: value.version, envelope: text })
      .onConflict(conflict =>
        conflict
          .column('party')
          .doUpdateSet({ version: value.version, envelope: text })
          .where('roster.version', '<', value.version)
      )
      .execute();
    const newest = await this.newest(party, rootKey);
    if (newest === undefined) throw new CleanRoomError('internal', `The roster of ${party} was not stored.`);
    if (
      newest.roster.version === value.version &&
      !Buffer.from(Roster.write(newest.roster)).equals(Buffer.from(Roster.write(value)))
    ) {
      throw new CleanRoomError(
        'conflict',
        `There are two different rosters of ${party} with version ${value.version}.`,
        {
          remedy:
            'Ask the party which one is correct. Until then, nothing is approved and no key is released.'
        }
      );
    }
    return newest;
  }

  /** Returns the newest roster of a party that is stored, if there is one. */
  async newest(party: string, rootKey: PublicKey): Promise<KnownRoster | undefined> {
    const row = await this.#db
      .selectFrom('roster')
      .select('envelope')
      .where('party', '=', party)
      .executeTakeFirst();
    if (row === undefined) return undefined;
    const envelope = checkSchema(Envelope, parseStrictJson(utf8(row.envelope)), `stored roster of ${party}`);
    return { roster: Roster.open(envelope, rootKey).value, envelope };
  }
}
