import { Kysely, PostgresDialect } from 'kysely';
import pg from 'pg';
import { PgBoss } from 'pg-boss';
import { BYTEA, INT8, QUEUE_OPTIONS, safeInteger, type Driver } from './driver.js';

type Parser = (text: string) => unknown;

/** Column parsers that return the same JavaScript values as PGlite. The parsers that the whole process shares stay unchanged. */
const types = {
  getTypeParser: (oid: Parameters<typeof pg.types.getTypeParser>[0]): Parser => {
    const parse = pg.types.getTypeParser(oid, 'text') as Parser;
    const type: number = oid;
    if (type === INT8) return safeInteger;
    if (type === BYTEA) return text => new Uint8Array(parse(text) as Buffer);
    return parse;
  }
};

/** Opens a pool of at most ten connections to a PostgreSQL server. Connections are made when they are first needed. */
export function openPostgres(connectionString: string): Driver {
  const pool = new pg.Pool({ connectionString, max: 10, types });
  // The pool replaces an idle connection that breaks. Without a listener, the error would end the process.
  pool.on('error', () => undefined);
  const db = new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) });
  return {
    kind: 'postgresql',
    db,
    createQueue: onError => {
      const boss = new PgBoss({ ...QUEUE_OPTIONS, connectionString, max: 4 });
      boss.on('error', onError);
      return boss;
    },
    close: () => db.destroy()
  };
}
