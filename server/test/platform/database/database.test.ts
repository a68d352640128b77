import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { sql } from 'kysely';
import type { Migration } from 'kysely/migration';
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import { promisify } from 'node:util';
import { openDatabase, type Database } from '../../../src/platform/database/database.js';
import { JobQueue } from '../../../src/platform/database/queue.js';
import { DATABASES, type DatabaseFactory } from '../../support/databases.js';

const DATABASE_MODULE = new URL('../../../lib/platform/database/database.js', import.meta.url).href;

interface Tables {
  thing: { id: number; amount: number; body: Uint8Array; at: Date };
}

const migrations: Record<string, Migration> = {
  '0001-things': {
    up: async db => {
      await sql`create table thing (id integer primary key, amount bigint, body bytea, at timestamptz default now())`.execute(
        db
      );
    }
  }
};

describe.each(DATABASES)('a database on %s', (kind, prepare) => {
  let databases: DatabaseFactory;
  let database: Database<Tables>;
  let url: string;

  beforeAll(async () => {
    databases = await prepare();
    url = await databases.create();
    database = await openDatabase<Tables>({ url, migrations });
  }, 60_000);
  afterAll(async () => {
    await database.close();
    await databases.dispose();
  }, 60_000);

  test('reads bigint as a number and bytea as Uint8Array', async () => {
    const body = Uint8Array.of(0, 255, 7);
    await sql`insert into thing (id, amount, body) values (1, ${2 ** 40}, ${body})`.execute(database.db);
    const row = await database.db
      .selectFrom('thing')
      .selectAll()
      .where('id', '=', 1)
      .executeTakeFirstOrThrow();
    expect(row.amount).toBe(2 ** 40);
    expect(row.body.constructor.name).toBe('Uint8Array');
    expect([...row.body]).toEqual([0, 255, 7]);
    expect(row.at.getTime()).toBeGreaterThan(Date.now() - 60_000);
  });

  test('runs each migration once, and keeps the data', async () => {
    await database.close();
    database = await openDatabase<Tables>({ url, migrations });
    const { count } = await database.db
      .selectFrom('thing')
      .select(({ fn }) => fn.countAll<number>().as('count'))
      .executeTakeFirstOrThrow();
    expect(count).toBe(1);
  }, 60_000);

  test('refuses a database that was written by a newer version', async () => {
    await expect(openDatabase({ url: await newerDatabase(), migrations })).rejects.toMatchObject({
      code: 'unavailable'
    });
    async function newerDatabase(): Promise<string> {
      const other = await databases.create();
      const ahead = await openDatabase({
        url: other,
        migrations: { ...migrations, '0002-later': { up: async () => undefined } }
      });
      await ahead.close();
      return other;
    }
  }, 60_000);

  test('sends a job if and only if its transaction commits, and handles it at once', async () => {
    const queue = new JobQueue<{ greet: { name: string } }>(
      database.createQueue(error => process.stderr.write(`${error}\n`))
    );
    await queue.start({ greet: { expireInSeconds: 10, retryLimit: 2 } });
    const seen: string[] = [];
    await queue.work('greet', { workers: 2, batch: 1 }, async ({ name }) => {
      seen.push(name);
      if (name === 'twice' && seen.filter(other => other === name).length === 1) throw new Error('try again');
    });
    await database.db
      .transaction()
      .execute(async trx => {
        await queue.send(trx, 'greet', { name: 'rolled back' });
        throw new Error('rolled back');
      })
      .catch(() => undefined);
    const start = Date.now();
    await database.db.transaction().execute(trx => queue.send(trx, 'greet', { name: 'ada' }));
    await until(() => seen.includes('ada'));
    expect(Date.now() - start).toBeLessThan(3000);
    await database.db.transaction().execute(trx => queue.send(trx, 'greet', { name: 'twice' }));
    await until(() => seen.filter(name => name === 'twice').length === 2);
    expect(seen).toEqual(['ada', 'twice', 'twice']);
    await queue.ping();
    await queue.stop();
  }, 60_000);

  test('handles waiting jobs one after the other without a pause', async () => {
    const queue = new JobQueue<{ count: { number: number } }>(
      database.createQueue(error => process.stderr.write(`${error}\n`))
    );
    await queue.start({ count: { expireInSeconds: 10, retryLimit: 2 } });
    await database.db.transaction().execute(async trx => {
      for (let number = 0; number < 20; number++) await queue.send(trx, 'count', { number });
    });
    const seen: number[] = [];
    const start = Date.now();
    await queue.work('count', { workers: 1, batch: 2 }, async ({ number }) => void seen.push(number));
    await until(() => seen.length === 20);
    expect(Date.now() - start).toBeLessThan(15_000);
    await queue.stop();
  }, 120_000);

  if (kind === 'PGlite') {
    test('writes every commit to disk', async () => {
      const spy = jest.spyOn(fs, 'fsyncSync');
      for (let id = 100; id < 110; id++) {
        const before = spy.mock.calls.length;
        await sql`insert into thing (id) values (${id})`.execute(database.db);
        expect(spy.mock.calls.length).toBeGreaterThan(before);
      }
      spy.mockRestore();
    });

    test('refuses a second process', async () => {
      const script = `
        const { openDatabase } = await import(${JSON.stringify(DATABASE_MODULE)});
        try { await openDatabase({ url: ${JSON.stringify(url)}, migrations: {} }); } catch (error) { console.log(error.code); }`;
      const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script]);
      expect(stdout.trim()).toBe('conflict');
    }, 60_000);
  }
});

async function until(holds: () => boolean): Promise<void> {
  for (let i = 0; i < 400 && !holds(); i++) await new Promise(resolve => setTimeout(resolve, 25));
  expect(holds()).toBe(true);
}
