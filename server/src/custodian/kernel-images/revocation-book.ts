import type { Kysely } from 'kysely';
import { utf8 } from '@clean-room/protocol/bytes';
import { checkSchema, Envelope, parseStrictJson, type ReadDocument } from '@clean-room/protocol/documents';
import {
  openRevocations,
  requireLaterRevocations,
  type KernelImageRevocations
} from '@clean-room/protocol/kernel-images';
import type { CustodianTables } from '../database/tables.js';
import { importedRevocations } from './import.js';

/**
 * The newest list of revoked kernel images of each release key. Lists are imported as files, because a steward's command writes
 * them while the custodian is running. The database remembers what was seen: a list never becomes older and never loses an
 * entry, also when its file is replaced or removed.
 */
export class RevocationBook {
  readonly #db: Kysely<CustodianTables>;
  readonly #folder: string;

  /** @param folder - the folder of imported lists */
  constructor(db: Kysely<CustodianTables>, folder: string) {
    this.#db = db;
    this.#folder = folder;
  }

  /**
   * Stores lists that were imported since the last call, and returns the newest list of each release key.
   *
   * @throws CleanRoomError `conflict` when an imported list contradicts the one that was seen before; nothing may then be
   * approved, and no key released, until it is replaced
   */
  async lists(): Promise<KernelImageRevocations[]> {
    for (const envelope of await importedRevocations(this.#folder)) await this.#store(envelope);
    const rows = await this.#db.selectFrom('revocations').select('envelope').execute();
    return rows.map(({ envelope }) => openRevocations(readStored(envelope)).value);
  }

  async #newest(signer: string): Promise<ReadDocument<KernelImageRevocations> | undefined> {
    const row = await this.#db
      .selectFrom('revocations')
      .select('envelope')
      .where('signer', '=', signer)
      .executeTakeFirst();
    return row === undefined ? undefined : openRevocations(readStored(row.envelope));
  }

  async #store(envelope: Envelope): Promise<void> {
    const list = openRevocations(envelope);
    const { signer, version } = list.value;
    const known = await this.#newest(signer);
    // The file of an older list, such as one from a backup, changes nothing.
    if (known !== undefined && version < known.value.version) return;
    if (known !== undefined) requireLaterRevocations(known, list);
    const text = JSON.stringify(envelope);
    await this.#db
      .insertInto('revocations')
      .values({ signer, version, envelope: text })
      .onConflict(conflict =>
        conflict
          .column('signer')
          .doUpdateSet({ version, envelope: text })
          // Another replica may have stored a list since it was read here. That one is then compared at the next call.
          .where('revocations.version', '=', known?.value.version ?? 0)
      )
      .execute();
  }
}

function readStored(text: string): Envelope {
  return checkSchema(Envelope, parseStrictJson(utf8(text)), 'stored list of revoked kernel images');
}
