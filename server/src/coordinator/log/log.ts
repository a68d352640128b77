import type { Kysely } from 'kysely';
import { digestFromHash, toBase64, type Digest } from '@clean-room/protocol/bytes';
import { toTimestamp, type Envelope, type SigningKey } from '@clean-room/protocol/documents';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { Checkpoint, treeHead, type TreeHead, type LogProof } from '@clean-room/protocol/log';
import type { CoordinatorTables } from '../database/tables.js';
import { treeHeadAt, logSize, readNodes } from './store.js';
import { consistencyRanges, cover, fold, inclusionRanges } from './tree.js';

/**
 * Signs checkpoints of the log and proves its entries. The methods take the database or a transaction, so that a proof can be
 * saved in the same transaction as the change that it proves.
 */
export class Log {
  readonly #key: SigningKey;

  constructor(key: SigningKey) {
    this.#key = key;
  }

  /** Public key that signs the checkpoints. */
  get publicKey(): string {
    return this.#key.publicKey;
  }

  #sign(head: TreeHead, at: Date): Envelope {
    return Checkpoint.sign(
      { format: 'clean-room.checkpoint/v1', log: this.#key.publicKey, head, at: toTimestamp(at) },
      this.#key
    );
  }

  /** Returns the newest tree head. */
  async head(db: Kysely<CoordinatorTables>): Promise<TreeHead> {
    return treeHeadAt(db, await logSize(db));
  }

  /** Returns a signed checkpoint of the newest tree head. */
  async checkpoint(db: Kysely<CoordinatorTables>, at: Date): Promise<Envelope> {
    return this.#sign(await this.head(db), at);
  }

  /**
   * Returns an entry with the proof that the log contains it.
   *
   * @throws CleanRoomError `not-found` when the log has no such entry yet
   */
  async proof(db: Kysely<CoordinatorTables>, index: number, at: Date): Promise<LogProof> {
    const size = await logSize(db);
    const row = await db
      .selectFrom('log_entry')
      .select('bytes')
      .where('index', '=', index)
      .executeTakeFirst();
    if (row === undefined || index >= size) {
      throw new CleanRoomError('not-found', `The log has no entry ${index}. It contains ${size} entries.`);
    }
    const [proof] = await this.prove(db, [{ index, bytes: row.bytes }], size, at);
    if (proof === undefined) throw new CleanRoomError('internal', 'The log gave no proof of an entry.');
    return proof;
  }

  /**
   * Returns entries with the proofs that the log contains them, in the same order.
   *
   * @param size - the number of log entries
   */
  async prove(
    db: Kysely<CoordinatorTables>,
    entries: readonly { readonly index: number; readonly bytes: Uint8Array }[],
    size: number,
    at: Date
  ): Promise<LogProof[]> {
    const whole = cover(0, size);
    const covers = entries.map(({ index }) => inclusionRanges(index, size).map(range => cover(...range)));
    const nodes = await readNodes(db, [...whole, ...covers.flat(2)]);
    const checkpoint = this.#sign(treeHead(size, fold(whole, nodes)), at);
    return entries.map(({ index, bytes }, number) => ({
      entry: toBase64(bytes),
      index,
      path: (covers[number] ?? []).map(names => digestFromHash(fold(names, nodes))),
      checkpoint
    }));
  }

  /**
   * Returns the proof that the first `oldSize` entries have not changed.
   *
   * @throws CleanRoomError `not-found` when the log has fewer entries
   */
  async consistency(
    db: Kysely<CoordinatorTables>,
    oldSize: number,
    at: Date
  ): Promise<{ path: Digest[]; checkpoint: Envelope }> {
    const size = await logSize(db);
    if (oldSize > size) {
      throw new CleanRoomError('not-found', `The log contains only ${size} entries, not ${oldSize}.`);
    }
    const covers = consistencyRanges(oldSize, size).map(range => cover(...range));
    const nodes = await readNodes(db, covers.flat());
    const path = covers.map(names => digestFromHash(fold(names, nodes)));
    return { path, checkpoint: this.#sign(await treeHeadAt(db, size), at) };
  }
}
