import { Kysely, PostgresDialect } from 'kysely';
import pg from 'pg';
import { PgBoss } from 'pg-boss';
import { BYTEA, INT8, QUEUE_UPKEEP, safeInteger, type Driver } from './driver.js';

type Parser = (text: string) => unknown;

/** The same JavaScript values that PGlite gives, without touching the parsers that the whole process shares. */
const types = {
  getTypeParser: (oid: number, format?: 'text' | 'binary'): Parser => {
    const usual = pg.types.getTypeParser(oid, format as 'text') as Parser;
    if (oid === INT8) return safeInteger;
    if (oid === BYTEA) return text => new Uint8Array(usual(text) as Buffer);
    return usual;
  }
};

export function openPostgres(connectionString: string): Driver {
  const pool = new pg.Pool({ connectionString, max: 10, types: types as pg.CustomTypesConfig });
  // An idle connection that breaks is replaced by the pool; without a listener it would end the process.
  pool.on('error', () => undefined);
  const db = new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) });
  return {
    kind: 'postgresql',
    db,
    createQueue: onError => {
      const boss = new PgBoss({ ...QUEUE_UPKEEP, connectionString, max: 4 });
      boss.on('error', onError);
      return boss;
    },
    close: () => db.destroy()
  };
}
