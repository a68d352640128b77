import type { Transaction } from 'kysely';
import { fromBase64 } from '@clean-room/protocol/bytes';
import { leafHash } from '@clean-room/protocol/log';
import type { CoordinatorTables, EventDraft, OutboxEntry } from '../database/tables.js';
import { saveReceiptProofs } from '../results/receipt-proofs.js';
import type { Log } from './log.js';
import { readNodes, type NumberedEntry } from './store.js';
import { cover, grow } from './tree.js';

/** The log entries and events of one transaction, which have no numbers yet. */
export interface Records {
  /** The time of the transaction. */
  readonly at: Date;
  readonly entries: readonly OutboxEntry[];
  readonly events: readonly EventDraft[];
}

/** The numbers that are given next follow these. */
export interface Counters {
  readonly log_size: number;
  readonly last_event: number;
}

/**
 * Locks the row of `counters` until the transaction ends. Only the transaction that has locked it writes the log and events, so
 * that no number is given twice and readers see neither of them with a gap.
 */
export async function lockCounters(trx: Transaction<CoordinatorTables>): Promise<Counters> {
  return trx
    .selectFrom('counters')
    .select(['log_size', 'last_event'])
    .where('id', '=', 1)
    .forUpdate()
    .executeTakeFirstOrThrow();
}

/**
 * Numbers log entries and events, and writes them. The proofs of the runs that these entries complete are saved with them.
 *
 * @param counters - the numbers before, from {@link lockCounters}
 */
export async function appendRecords(
  trx: Transaction<CoordinatorTables>,
  log: Log,
  counters: Counters,
  records: readonly Records[]
): Promise<void> {
  const entries = records
    .flatMap(record => record.entries)
    .map((entry, offset): NumberedEntry => ({
      index: counters.log_size + offset,
      subject: entry.subject,
      subject_id: entry.subject_id,
      state: entry.state,
      bytes: fromBase64(entry.bytes)
    }));
  const size = counters.log_size + entries.length;
  if (entries.length > 0) {
    const edge = await readNodes(trx, cover(0, counters.log_size));
    const nodes = grow(
      counters.log_size,
      edge,
      entries.map(({ bytes }) => leafHash(bytes))
    );
    await trx
      .with('grown', db => db.insertInto('log_node').values(nodes))
      .insertInto('log_entry')
      .values(entries)
      .execute();
  }
  const events = records
    .flatMap(({ at, events }) => events.map(event => ({ ...event, at })))
    .map(({ parties, data, at }, offset) => ({
      id: counters.last_event + 1 + offset,
      parties: JSON.stringify([...new Set(parties)]),
      data: JSON.stringify(data),
      created_at: at
    }));
  const numbers = { log_size: size, last_event: counters.last_event + events.length };
  if (events.length === 0) await trx.updateTable('counters').set(numbers).where('id', '=', 1).execute();
  else {
    await trx
      .with('recorded', db => db.insertInto('event').values(events))
      .updateTable('counters')
      .set(numbers)
      .where('id', '=', 1)
      .execute();
  }
  if (entries.length > 0) await saveReceiptProofs(trx, log, entries, size);
}
