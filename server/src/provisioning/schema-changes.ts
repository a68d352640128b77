import type { Column, TableSchema } from '@clean-room/protocol/assets';

/** A change from one version of a dataset to the next, for people. */
export interface SchemaChange {
  readonly column: string;
  /** The change in words: `new`, `removed`, `integer → text`. */
  readonly change: string;
  /** Whether a notebook that ran on the earlier version can fail or mean something else. */
  readonly breaking: boolean;
}

const typeOf = ({ type, precision, scale, zoned }: Column): string =>
  type === 'decimal'
    ? `decimal(${precision ?? '?'}, ${scale ?? '?'})`
    : type === 'timestamp'
      ? `timestamp${zoned === true ? ' (UTC)' : ''}`
      : type;

function changesOf(before: Column, after: Column): Omit<SchemaChange, 'column'>[] {
  const changes: Omit<SchemaChange, 'column'>[] = [];
  const add = (change: string, breaking: boolean): void => void changes.push({ change, breaking });
  if (typeOf(before) !== typeOf(after)) add(`${typeOf(before)} → ${typeOf(after)}`, true);
  if (before.nullable !== after.nullable)
    add(after.nullable ? 'values can now be missing' : 'values are no longer missing', after.nullable);
  const [old, now] = [before.categories ?? [], after.categories ?? []];
  const added = now.filter(value => !old.includes(value));
  const removed = old.filter(value => !now.includes(value));
  if (added.length > 0 && old.length > 0) add(`new categories: ${added.slice(0, 5).join(', ')}`, true);
  if (removed.length > 0) add(`categories that no longer occur: ${removed.slice(0, 5).join(', ')}`, false);
  for (const bound of ['minimum', 'maximum'] as const) {
    if (before[bound] !== after[bound])
      add(`${bound} ${before[bound] ?? 'none'} → ${after[bound] ?? 'none'}`, false);
  }
  if (before.role !== after.role) add(`role ${before.role ?? 'none'} → ${after.role ?? 'none'}`, false);
  return changes;
}

/** Returns what changed from one version of a dataset to the next, in the order of the new columns. */
export function schemaChanges(before: TableSchema, after: TableSchema): SchemaChange[] {
  const known = new Map(before.columns.map(column => [column.name, column]));
  const names = new Set(after.columns.map(({ name }) => name));
  return [
    ...after.columns.flatMap(column => {
      const earlier = known.get(column.name);
      if (earlier === undefined) return [{ column: column.name, change: 'new', breaking: false }];
      return changesOf(earlier, column).map(change => ({ column: column.name, ...change }));
    }),
    ...before.columns
      .filter(({ name }) => !names.has(name))
      .map(({ name }) => ({ column: name, change: 'removed', breaking: true }))
  ];
}
