import type { Kysely } from 'kysely';
import type { ConstructorOptions, PgBoss } from 'pg-boss';

/** A connection to either kind of database, before migrations. */
export interface Driver {
  readonly kind: 'pglite' | 'postgresql';
  readonly db: Kysely<unknown>;
  createQueue(onError: (error: Error) => void): PgBoss;
  close(): Promise<void>;
}

/** Maintenance settings of the job queue, the same for both kinds of database. Intervals are in seconds. */
export const QUEUE_OPTIONS: ConstructorOptions = {
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

/**
 * Parses a value of an `int8` column as a number. All stored values are far below 2^53.
 *
 * @throws RangeError when the value is not a safe integer
 */
export function safeInteger(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new RangeError(`${text} is not a safe integer`);
  return value;
}

/** Object identifiers (OIDs) of column types in PostgreSQL. */
export const INT8 = 20;
export const BYTEA = 17;
