import { sql, type Kysely, type Transaction } from 'kysely';
import { fold, cover, grow, Nodes, type NodeName, type LogTreeNode } from './tree.js';
import { toTimestamp } from '@clean-room/protocol/documents';
import { LogEntry, leafHash, treeHead, type TreeHead } from '@clean-room/protocol/log';
import type { CoordinatorEvent } from '@clean-room/api/coordinator';
import type { CoordinatorTables } from '../database/tables.js';

/** A log entry without its format and time, which are added when it is written. */
export type EntryDraft = Omit<LogEntry, 'format' | 'at'>;

/** An event that is not yet numbered. */
export interface EventDraft {
  /** The parties that receive the event. */
  readonly parties: readonly string[];
  readonly data: CoordinatorEvent;
}

/** Reads nodes of the log's Merkle tree. */
export async function readNodes(db: Kysely<CoordinatorTables>, names: readonly NodeName[]): Promise<Nodes> {
  if (names.length === 0) return new Nodes();
  const rows = await db
    .selectFrom('log_node')
    .selectAll()
    .where(eb =>
      eb.or(names.map(({ level, index }) => eb.and([eb('level', '=', level), eb('index', '=', index)])))
    )
    .execute();
  return new Nodes(rows);
}

/** Returns the tree head after the first `size` entries. */
export async function treeHeadAt(db: Kysely<CoordinatorTables>, size: number): Promise<TreeHead> {
  const names = cover(0, size);
  return treeHead(size, fold(names, await readNodes(db, names)));
}

/** Returns the number of log entries. */
export async function logSize(db: Kysely<CoordinatorTables>): Promise<number> {
  const { log_size } = await db.selectFrom('counters').select('log_size').executeTakeFirstOrThrow();
  return log_size;
}

/**
 * Writes log entries and events. Updating the row of `counters` locks it, so that entries and events have the order of the
 * commits. No other transaction can write either until this one ends, so it should be the last step of a transaction.
 *
 * @returns the index of the first entry
 */
export async function writeEntriesAndEvents(
  trx: Transaction<CoordinatorTables>,
  at: Date,
  entries: readonly EntryDraft[],
  events: readonly EventDraft[]
): Promise<number> {
  const counters = await trx
    .updateTable('counters')
    .set({
      log_size: sql<number>`log_size + ${entries.length}`,
      last_event: sql<number>`last_event + ${events.length}`
    })
    .returningAll()
    .executeTakeFirstOrThrow();
  const size = counters.log_size - entries.length;
  if (entries.length > 0) await writeEntries(trx, size, at, entries);
  if (events.length > 0) {
    const first = counters.last_event - events.length + 1;
    await trx
      .insertInto('event')
      .values(
        events.map(({ parties, data }, offset) => ({
          id: first + offset,
          parties: JSON.stringify([...new Set(parties)]),
          data: JSON.stringify(data),
          created_at: at
        }))
      )
      .execute();
  }
  return size;
}

async function writeEntries(
  trx: Transaction<CoordinatorTables>,
  size: number,
  at: Date,
  entries: readonly EntryDraft[]
): Promise<void> {
  const rows = entries.map((entry, offset) => {
    const bytes = LogEntry.write({ format: 'clean-room.log-entry/v1', at: toTimestamp(at), ...entry });
    return { index: size + offset, subject: entry.subject, subject_id: entry.id, state: entry.state, bytes };
  });
  await trx.insertInto('log_entry').values(rows).execute();
  const edge = await readNodes(trx, cover(0, size));
  const nodes: LogTreeNode[] = grow(
    size,
    edge,
    rows.map(row => leafHash(row.bytes))
  );
  await trx.insertInto('log_node').values(nodes).execute();
}
