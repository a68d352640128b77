import type { Kysely } from 'kysely';
import { hashFromDigest, type Digest } from '@clean-room/protocol/bytes';
import type { PublicKey } from '@clean-room/protocol/documents';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { Checkpoint, EMPTY_TREE_HEAD, verifyConsistency, type TreeHead } from '@clean-room/protocol/log';
import type { Client } from '@clean-room/api';
import { routes } from '@clean-room/api/coordinator';
import type { CustodianTables } from '../database/tables.js';

const MOST_TRIES = 5;

interface Known {
  readonly log: PublicKey;
  readonly head: TreeHead;
}

/**
 * Follows the coordinator's log: each new head must be signed by the log's key and contain the one before. The first key
 * that is seen is kept; another one, a shorter log or another past stops everything that rests on it.
 */
export class LogWatch {
  readonly #db: Kysely<CustodianTables>;
  readonly #coordinator: Client;

  constructor(db: Kysely<CustodianTables>, coordinator: Client) {
    this.#db = db;
    this.#coordinator = coordinator;
  }

  async #known(): Promise<Known | undefined> {
    const row = await this.#db.selectFrom('log_head').selectAll().executeTakeFirst();
    return row === undefined
      ? undefined
      : { log: row.log, head: { size: row.size, root: row.root as Digest } };
  }

  /** The newest head this custodian has made sure of. */
  async head(): Promise<TreeHead> {
    return (await this.#known())?.head ?? EMPTY_TREE_HEAD;
  }

  /** Asks for the newest head and makes sure of it. @throws CleanRoomError `conflict` when the past was rewritten */
  async advance(): Promise<TreeHead> {
    const known = await this.#known();
    const { checkpoint } = await this.#coordinator.call(routes.getCheckpoint, {});
    const log = known?.log ?? Checkpoint.peek(checkpoint).value.log;
    const newest = Checkpoint.open(checkpoint, log).value.head;
    if (known === undefined) return this.#keep({ log, head: newest });
    if (newest.size < known.head.size) throw rewritten('it is shorter than it was');
    if (newest.size === known.head.size) {
      if (newest.root !== known.head.root) throw rewritten('it shows another past');
      return newest;
    }
    const proof = await this.#coordinator.call(routes.getConsistencyProof, {
      query: { from: known.head.size }
    });
    const { head } = Checkpoint.open(proof.checkpoint, log).value;
    if (!contains(known.head, head, proof.path)) throw rewritten('it shows another past');
    return this.#keep({ log, head });
  }

  /**
   * Whether the head that a supervisor was shown is of this very log, and not from before `floor`. Other runs make the log
   * grow all the time, so that a head need not be the newest, but it must be a beginning of the newest.
   * @param floor size of the log when the approval was given
   * @throws CleanRoomError `key-release-refused`
   */
  async requireShown(shown: TreeHead, floor: number): Promise<void> {
    if (shown.size < floor) throw refused('it is older than the approval');
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      const head = await this.advance();
      if (shown.size > head.size) throw refused('it claims entries that the log does not have');
      if (shown.size === head.size && shown.root === head.root) return;
      if (shown.size === head.size) throw refused('it is of another log');
      const proof = await this.#coordinator.call(routes.getConsistencyProof, { query: { from: shown.size } });
      const { log } = (await this.#known()) ?? { log: '' };
      const { head: proven } = Checkpoint.open(proof.checkpoint, log).value;
      // The log grew between the two questions: ask both again.
      if (proven.size !== head.size || proven.root !== head.root) continue;
      if (contains(shown, head, proof.path)) return;
      throw refused('it is of another log');
    }
    throw new CleanRoomError('unavailable', 'The coordinator’s log grows faster than it can be checked.');
  }

  async #keep({ log, head }: Known): Promise<TreeHead> {
    await this.#db
      .insertInto('log_head')
      .values({ log, size: head.size, root: head.root })
      .onConflict(conflict =>
        conflict
          .column('one')
          .doUpdateSet({ size: head.size, root: head.root })
          .where('log_head.size', '<', head.size)
      )
      .execute();
    return head;
  }
}

function contains(earlier: TreeHead, later: TreeHead, path: readonly Digest[]): boolean {
  return verifyConsistency(
    earlier.size,
    later.size,
    hashFromDigest(earlier.root),
    hashFromDigest(later.root),
    path.map(hashFromDigest)
  );
}

function refused(why: string): CleanRoomError {
  return new CleanRoomError(
    'key-release-refused',
    `The log that the attempt was shown does not hold: ${why}.`
  );
}

function rewritten(how: string): CleanRoomError {
  return new CleanRoomError(
    'conflict',
    `The coordinator’s log is not the one this custodian knows: ${how}.`,
    {
      remedy: 'Nothing is released until the parties have compared their logs. Tell them.'
    }
  );
}
