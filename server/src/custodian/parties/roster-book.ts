import type { Kysely } from 'kysely';
import { checkSchema, Envelope, parseStrictJson, type PublicKey } from '@clean-room/protocol/documents';
import { utf8 } from '@clean-room/protocol/bytes';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { Roster } from '@clean-room/protocol/parties';
import type { CustodianTables } from '../database/tables.js';

export interface KnownRoster {
  readonly roster: Roster;
  readonly envelope: Envelope;
}

/** The newest roster of each party. What was seen once is never forgotten: an older one is refused from then on. */
export class RosterBook {
  readonly #db: Kysely<CustodianTables>;

  constructor(db: Kysely<CustodianTables>) {
    this.#db = db;
  }

  /**
   * Takes note of a roster. One that is older than the newest known changes nothing.
   * @returns the newest now known
   * @throws CleanRoomError `signature-invalid`; `conflict` for a second roster of the same version
   */
  async learn(envelope: Envelope, party: string, rootKey: PublicKey): Promise<KnownRoster> {
    const { value } = Roster.open(envelope, rootKey);
    if (value.party !== party || value.rootKey !== rootKey) {
      throw new CleanRoomError('signature-invalid', `The roster shown as ${party}’s is of another party.`);
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
    const known = await this.newest(party, rootKey);
    if (known === undefined) throw new CleanRoomError('internal', `The roster of ${party} was not kept.`);
    if (
      known.roster.version === value.version &&
      !Buffer.from(Roster.write(known.roster)).equals(Buffer.from(Roster.write(value)))
    ) {
      throw new CleanRoomError(
        'conflict',
        `There are two rosters of ${party} with the version ${value.version}.`,
        {
          remedy: 'Ask the party which one is right. Until then nothing is approved or released.'
        }
      );
    }
    return known;
  }

  async newest(party: string, rootKey: PublicKey): Promise<KnownRoster | undefined> {
    const row = await this.#db
      .selectFrom('roster')
      .select('envelope')
      .where('party', '=', party)
      .executeTakeFirst();
    if (row === undefined) return undefined;
    const envelope = checkSchema(Envelope, parseStrictJson(utf8(row.envelope)), `kept roster of ${party}`);
    return { roster: Roster.open(envelope, rootKey).value, envelope };
  }
}
