import type { Kysely } from 'kysely';
import { digestFromHash, toBase64, type Digest } from '@clean-room/protocol/bytes';
import { toTimestamp, type Envelope, type SigningKey } from '@clean-room/protocol/documents';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { Checkpoint, type TreeHead, type LogProof } from '@clean-room/protocol/log';
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
    const path = await this.#hashes(db, inclusionRanges(index, size));
    const checkpoint = this.#sign(await treeHeadAt(db, size), at);
    return { entry: toBase64(row.bytes), index, path, checkpoint };
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
    const path = await this.#hashes(db, consistencyRanges(oldSize, size));
    return { path, checkpoint: this.#sign(await treeHeadAt(db, size), at) };
  }

  async #hashes(
    db: Kysely<CoordinatorTables>,
    ranges: readonly (readonly [number, number])[]
  ): Promise<Digest[]> {
    const covers = ranges.map(([from, to]) => cover(from, to));
    const nodes = await readNodes(db, covers.flat());
    return covers.map(names => digestFromHash(fold(names, nodes)));
  }
}
