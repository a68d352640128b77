import type { Kysely } from 'kysely';
import { digestFromHash, toBase64, type Digest } from '@clean-room/protocol/bytes';
import { toTimestamp, type Envelope, type SigningKey } from '@clean-room/protocol/documents';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { Checkpoint, type TreeHead, type LogProof } from '@clean-room/protocol/log';
import type { CoordinatorTables } from '../database/tables.js';
import { treeHeadAt, logSize, readNodes } from './store.js';
import { consistencyRanges, cover, fold, inclusionRanges } from './tree.js';

/** Signs the log's heads and proves what stands in it. Takes the database or a transaction, so that a proof can be part of the move it proves. */
export class Log {
  readonly #key: SigningKey;

  constructor(key: SigningKey) {
    this.#key = key;
  }

  get publicKey(): string {
    return this.#key.publicKey;
  }

  #sign(head: TreeHead, at: Date): Envelope {
    return Checkpoint.sign(
      { format: 'clean-room.checkpoint/v1', log: this.#key.publicKey, head, at: toTimestamp(at) },
      this.#key
    );
  }

  async head(db: Kysely<CoordinatorTables>): Promise<TreeHead> {
    return treeHeadAt(db, await logSize(db));
  }

  async checkpoint(db: Kysely<CoordinatorTables>, at: Date): Promise<Envelope> {
    return this.#sign(await this.head(db), at);
  }

  /** @throws CleanRoomError `not-found` when the log has no such entry yet */
  async proof(db: Kysely<CoordinatorTables>, index: number, at: Date): Promise<LogProof> {
    const size = await logSize(db);
    const row = await db
      .selectFrom('log_entry')
      .select('bytes')
      .where('index', '=', index)
      .executeTakeFirst();
    if (row === undefined || index >= size) {
      throw new CleanRoomError('not-found', `The log has no entry ${index}; it holds ${size}.`);
    }
    const path = await this.#hashes(db, inclusionRanges(index, size));
    const checkpoint = this.#sign(await treeHeadAt(db, size), at);
    return { entry: toBase64(row.bytes), index, path, checkpoint };
  }

  /** @throws CleanRoomError `not-found` when the log has not been that long yet */
  async consistency(
    db: Kysely<CoordinatorTables>,
    oldSize: number,
    at: Date
  ): Promise<{ path: Digest[]; checkpoint: Envelope }> {
    const size = await logSize(db);
    if (oldSize > size) {
      throw new CleanRoomError('not-found', `The log holds ${size} entries, not yet ${oldSize}.`);
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
