import type { Kysely } from 'kysely';
import type { Digest } from '@clean-room/protocol/bytes';
import { CleanRoomError } from '@clean-room/protocol/errors';
import type { Logger } from '../../platform/http/logging.js';
import type { CoordinatorTables } from '../database/tables.js';
import type { ImageParts, ImagePublisher } from './publisher.js';

const HOUR_MS = 3_600_000;
/** Time from the publication of an image to its first removal, so that a publication in progress is never removed. */
const KEEP_HOURS = 1;
/** Time until a removal that the registry refused is tried again. */
const REFUSED_HOURS = 24;
/** Time after which another process finishes a removal, because the one that began it must have died. */
const REMOVAL_HOURS = 0.25;
/** Number of images that are removed in one round. */
const BATCH = 100;

const inHours = (hours: number): Date => new Date(Date.now() + hours * HOUR_MS);

/** Publishes images, and records them, so that they can be removed after the end of their revisions. */
export class RecordedPublisher implements ImagePublisher {
  readonly #publisher: ImagePublisher;
  readonly #db: Kysely<CoordinatorTables>;

  constructor(publisher: ImagePublisher, db: Kysely<CoordinatorTables>) {
    this.#publisher = publisher;
    this.#db = db;
  }

  async publish(image: Digest, parts: ImageParts): Promise<string> {
    // Recorded first: an image that a crash leaves behind is found and removed too.
    const recorded = await this.#db
      .insertInto('published_image')
      .values({ digest: image, removing: false, remove_after: inHours(KEEP_HOURS) })
      .onConflict(conflict =>
        conflict
          .column('digest')
          .doUpdateSet({ remove_after: inHours(KEEP_HOURS) })
          .where('published_image.removing', '=', false)
      )
      .returning('removing')
      .executeTakeFirst();
    if (recorded === undefined) {
      throw new CleanRoomError('unavailable', 'An earlier copy of the image is being removed.', {
        remedy: 'Try again in a minute.'
      });
    }
    return this.#publisher.publish(image, parts);
  }

  remove(image: Digest): Promise<void> {
    return this.#publisher.remove(image);
  }

  ping(): Promise<void> {
    return this.#publisher.ping();
  }

  /**
   * Removes images whose revisions have all ended and have no open run. It can be repeated at any time, also by several
   * processes. What the registry refuses is logged and tried again a day later.
   */
  async removeEnded(logger: Logger): Promise<void> {
    for (const digest of await this.#claimEnded()) {
      try {
        await this.#publisher.remove(digest);
      } catch (error) {
        logger.warn({ err: error, image: digest }, 'an image that is no longer needed could not be removed');
        await this.#db
          .updateTable('published_image')
          .set({ removing: false, remove_after: inHours(REFUSED_HOURS) })
          .where('digest', '=', digest)
          .execute();
        continue;
      }
      await this.#db.deleteFrom('published_image').where('digest', '=', digest).execute();
    }
  }

  /**
   * Marks images for removal, and returns them together with those whose removal another process did not finish. These are removed
   * even if another revision needs the image by now, because it cannot be published before.
   */
  async #claimEnded(): Promise<Digest[]> {
    const ended = this.#db
      .selectFrom('published_image as ended')
      .select('ended.digest')
      .where('ended.remove_after', '<=', new Date())
      .where(outer =>
        outer.not(
          outer.exists(
            outer
              .selectFrom('revision')
              .leftJoin('run', join =>
                join
                  .onRef('run.submission', '=', 'revision.submission')
                  .onRef('run.revision', '=', 'revision.number')
                  .on('run.ended_at', 'is', null)
              )
              .select('revision.submission')
              .whereRef('revision.image_digest', '=', 'ended.digest')
              .where(eb =>
                eb.or([eb('revision.state', 'in', ['submitted', 'approved']), eb('run.id', 'is not', null)])
              )
          )
        )
      )
      .limit(BATCH);
    const rows = await this.#db
      .updateTable('published_image')
      .set({ removing: true, remove_after: inHours(REMOVAL_HOURS) })
      .where('remove_after', '<=', new Date())
      .where(eb => eb.or([eb('removing', '=', true), eb('digest', 'in', ended)]))
      .returning('digest')
      .execute();
    return rows.map(row => row.digest);
  }
}
