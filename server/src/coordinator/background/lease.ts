import { sql, type Kysely } from 'kysely';
import type { CoordinatorTables } from '../database/tables.js';

/**
 * Takes or extends a lease. The database's clock decides, so that the clocks of the processes do not matter.
 *
 * @param holder - a random name of this process
 * @param seconds - time after which another process may take the lease, if this one does not extend it
 * @returns whether `holder` has the lease now
 */
export async function holdLease(
  db: Kysely<CoordinatorTables>,
  name: string,
  holder: string,
  seconds: number
): Promise<boolean> {
  const until = sql<Date>`now() + make_interval(secs => ${seconds})`;
  const held = await db
    .insertInto('lease')
    .values({ name, holder, until })
    .onConflict(conflict =>
      conflict
        .column('name')
        .doUpdateSet({ holder, until })
        .where(eb => eb.or([eb('lease.holder', '=', holder), sql<boolean>`lease.until < now()`]))
    )
    .returning('name')
    .executeTakeFirst();
  return held !== undefined;
}

/** Gives a lease back, so that another process can take it at once. */
export async function returnLease(
  db: Kysely<CoordinatorTables>,
  name: string,
  holder: string
): Promise<void> {
  await db.deleteFrom('lease').where('name', '=', name).where('holder', '=', holder).execute();
}
