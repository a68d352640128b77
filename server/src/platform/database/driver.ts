import type { Kysely } from 'kysely';
import type { ConstructorOptions, PgBoss } from 'pg-boss';

/** What the two kinds of database have in common before migrations. */
export interface Driver {
  readonly kind: 'pglite' | 'postgresql';
  readonly db: Kysely<unknown>;
  createQueue(onError: (error: Error) => void): PgBoss;
  close(): Promise<void>;
}

/** The queue's upkeep, the same on both. Intervals in seconds. */
export const QUEUE_UPKEEP: ConstructorOptions = {
  schema: 'queue',
  useListenNotify: true,
  schedule: false,
  registerInstance: false,
  monitorVacuum: false,
  superviseIntervalSeconds: 10,
  monitorIntervalSeconds: 10,
  maintenanceIntervalSeconds: 3600,
  openTelemetry: { enabled: false }
};

/** `int8` as a number: nothing we store comes near 2^53. */
export function safeInteger(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new RangeError(`${text} is no safe integer`);
  return value;
}

export const INT8 = 20;
export const BYTEA = 17;
