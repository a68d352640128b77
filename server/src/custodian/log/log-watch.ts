import type { Kysely } from 'kysely';
import { hashFromDigest, type Digest } from '@clean-room/protocol/bytes';
import type { PublicKey } from '@clean-room/protocol/documents';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { Checkpoint, EMPTY_TREE_HEAD, verifyConsistency, type TreeHead } from '@clean-room/protocol/log';
import type { Client } from '@clean-room/api';
import { routes } from '@clean-room/api/coordinator';
import type { CustodianTables } from '../database/tables.js';

const MAX_PROOF_ATTEMPTS = 5;

interface VerifiedHead {
  readonly log: PublicKey;
  readonly head: TreeHead;
}

/**
 * Follows the coordinator's transparency log. Each new tree head must be signed by the log's key and must extend the
 * previous one. The first log key is stored and required from then on. A different key, a shorter log or a different
 * history is an error that stops every operation that depends on the log.
 */
export class LogWatch {
  readonly #db: Kysely<CustodianTables>;
  readonly #coordinator: Client;

  constructor(db: Kysely<CustodianTables>, coordinator: Client) {
    this.#db = db;
    this.#coordinator = coordinator;
  }

  async #stored(): Promise<VerifiedHead | undefined> {
    const row = await this.#db.selectFrom('tree_head').selectAll().executeTakeFirst();
    return row === undefined
      ? undefined
      : { log: row.log_key, head: { size: row.size, root: row.root as Digest } };
  }

  /** Returns the newest tree head that this custodian has verified. */
  async head(): Promise<TreeHead> {
    return (await this.#stored())?.head ?? EMPTY_TREE_HEAD;
  }

  /**
   * Fetches the newest tree head, verifies that it extends the stored one, and stores it.
   * @throws CleanRoomError `conflict` when the log's history was rewritten
   */
  async advance(): Promise<TreeHead> {
    const stored = await this.#stored();
    const { checkpoint } = await this.#coordinator.call(routes.getCheckpoint, {});
    const log = stored?.log ?? Checkpoint.peek(checkpoint).value.log;
    const newest = Checkpoint.open(checkpoint, log).value.head;
    if (stored === undefined) return this.#store({ log, head: newest });
    if (newest.size < stored.head.size) throw rewrittenLog('it is shorter than before');
    if (newest.size === stored.head.size) {
      if (newest.root !== stored.head.root) throw rewrittenLog('its history is different');
      return newest;
    }
    const proof = await this.#coordinator.call(routes.getConsistencyProof, {
      query: { from: stored.head.size }
    });
    const { head } = Checkpoint.open(proof.checkpoint, log).value;
    if (!isConsistent(stored.head, head, proof.path)) throw rewrittenLog('its history is different');
    return this.#store({ log, head });
  }

  /**
   * Checks that the tree head that a supervisor was shown belongs to this log and is not older than `floor`. Other runs
   * add entries all the time, so the head need not be the newest, but the newest must extend it.
   *
   * @param floor - the size of the log when the approval was given
   * @throws CleanRoomError `key-release-refused`
   */
  async requireShown(shown: TreeHead, floor: number): Promise<void> {
    if (shown.size < floor) throw wrongLog('it is older than the approval');
    for (let tries = 0; tries < MAX_PROOF_ATTEMPTS; tries++) {
      const head = await this.advance();
      if (shown.size > head.size) throw wrongLog('it claims entries that the log does not have');
      if (shown.size === head.size && shown.root === head.root) return;
      if (shown.size === head.size) throw wrongLog('it is a different log');
      const proof = await this.#coordinator.call(routes.getConsistencyProof, { query: { from: shown.size } });
      const { log } = (await this.#stored()) ?? { log: '' };
      const { head: proven } = Checkpoint.open(proof.checkpoint, log).value;
      // The log grew between the two requests, so the proof leads to another head: fetch both again.
      if (proven.size !== head.size || proven.root !== head.root) continue;
      if (isConsistent(shown, head, proof.path)) return;
      throw wrongLog('it is a different log');
    }
    throw new CleanRoomError(
      'unavailable',
      'The coordinator’s log grows faster than this custodian can verify it.'
    );
  }

  async #store({ log, head }: VerifiedHead): Promise<TreeHead> {
    await this.#db
      .insertInto('tree_head')
      .values({ log_key: log, size: head.size, root: head.root })
      .onConflict(conflict =>
        conflict
          .column('singleton')
          .doUpdateSet({ size: head.size, root: head.root })
          .where('tree_head.size', '<', head.size)
      )
      .execute();
    return head;
  }
}

function isConsistent(earlier: TreeHead, later: TreeHead, path: readonly Digest[]): boolean {
  return verifyConsistency(
    earlier.size,
    later.size,
    hashFromDigest(earlier.root),
    hashFromDigest(later.root),
    path.map(hashFromDigest)
  );
}

function wrongLog(reason: string): CleanRoomError {
  return new CleanRoomError(
    'key-release-refused',
    `The transparency log that the attempt was shown is not valid here: ${reason}.`
  );
}

function rewrittenLog(reason: string): CleanRoomError {
  return new CleanRoomError(
    'conflict',
    `The coordinator’s log is not the log that this custodian has seen: ${reason}.`,
    {
      remedy: 'No key is released until the parties have compared their logs. Inform them.'
    }
  );
}
