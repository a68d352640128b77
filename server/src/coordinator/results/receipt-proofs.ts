import type { Transaction } from 'kysely';
import type { CoordinatorTables } from '../database/tables.js';
import type { Log } from '../log/log.js';
import type { NumberedEntry } from '../log/store.js';

/**
 * Saves the proof that the log contains the end of a run, for each completed run among new log entries. The receipt of the run
 * was saved with its transition.
 *
 * @param size - the number of log entries, with the new ones
 */
export async function saveReceiptProofs(
  trx: Transaction<CoordinatorTables>,
  log: Log,
  entries: readonly NumberedEntry[],
  size: number
): Promise<void> {
  const completed = entries.filter(({ subject, state }) => subject === 'run' && state === 'completed');
  if (completed.length === 0) return;
  const proofs = await log.prove(trx, completed, size, new Date());
  for (const [at, { subject_id: run }] of completed.entries()) {
    await trx
      .updateTable('receipt')
      .set({ log: JSON.stringify(proofs[at]) })
      .where('run', '=', run)
      .execute();
  }
}
