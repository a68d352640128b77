import { sql, type Kysely } from 'kysely';
import { treeHead, type TreeHead } from '@clean-room/protocol/log';
import type { CoordinatorTables } from '../database/tables.js';
import { cover, fold, Nodes, type NodeName } from './tree.js';

/** A log entry with its index. */
export interface NumberedEntry {
  readonly index: number;
  readonly subject: string;
  readonly subject_id: string;
  readonly state: string;
  readonly bytes: Uint8Array;
}

/** Reads nodes of the log's Merkle tree. The proofs of one batch need thousands of them, so all names are two parameters. */
export async function readNodes(db: Kysely<CoordinatorTables>, names: readonly NodeName[]): Promise<Nodes> {
  if (names.length === 0) return new Nodes();
  const rows = await db
    .selectFrom('log_node')
    .selectAll()
    .where(
      sql<boolean>`(level, index) in (select * from unnest(${names.map(({ level }) => level)}::integer[], ${names.map(({ index }) => index)}::bigint[]))`
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
