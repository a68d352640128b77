import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Readable } from 'node:stream';
import { COORDINATOR_MIGRATIONS } from '../../src/coordinator/database/migrations.js';
import type { CoordinatorTables } from '../../src/coordinator/database/tables.js';
import { EventTail } from '../../src/coordinator/events/tail.js';
import { openDatabase, type Database } from '../../src/platform/database/database.js';
import { DATABASES, type DatabaseFactory } from '../support/databases.js';
import { eventually } from '../support/wait.js';

describe.each(DATABASES)('the tail of events, on %s', (_kind, prepare) => {
  let databases: DatabaseFactory;
  let database: Database<CoordinatorTables>;
  let tail: EventTail;
  const failures: unknown[] = [];

  beforeAll(async () => {
    databases = await prepare();
  }, 180_000);
  afterAll(() => databases.dispose(), 60_000);
  beforeEach(async () => {
    failures.length = 0;
    database = await openDatabase<CoordinatorTables>({
      url: await databases.create(),
      migrations: COORDINATOR_MIGRATIONS
    });
    await database.db
      .insertInto('counters')
      .values({ id: 1, log_size: 0, last_event: 0 })
      .onConflict(conflict => conflict.doNothing())
      .execute();
    tail = new EventTail();
    await tail.start(database.db, error => failures.push(error));
  }, 60_000);
  afterEach(async () => {
    await tail.stop();
    await database.close();
    expect(failures).toEqual([]);
  });

  /** Writes `count` events for the university after event number `last`. */
  async function writeEvents(last: number, count: number): Promise<void> {
    const events = Array.from({ length: count }, (_, at) => ({
      id: last + at + 1,
      parties: JSON.stringify(['university']) as never,
      data: JSON.stringify({ topic: 'asset', name: `hospital/${'v'.repeat(800)}` }) as never
    }));
    for (let at = 0; at < count; at += 500)
      await database.db
        .insertInto('event')
        .values(events.slice(at, at + 500))
        .execute();
    await database.db
      .updateTable('counters')
      .set({ last_event: last + count })
      .execute();
    tail.wake();
  }

  function lastId(stream: Readable): () => number {
    let text = '';
    stream.on('data', (piece: Buffer) => (text = (text + piece.toString()).slice(-4096)));
    return () => Number([...text.matchAll(/^id: (\d+)$/gm)].at(-1)?.[1] ?? 0);
  }

  test('closes the stream of a slow reader, and no other', async () => {
    const slow = tail.open('university', undefined);
    const read = lastId(tail.open('university', undefined));
    for (let last = 0; last < 2000; last += 200) {
      await writeEvents(last, 200);
      await eventually(() => read() === last + 200 || undefined);
    }
    expect([slow.destroyed, tail.streams]).toEqual([true, 1]);
  });

  test('sends many missed events to a reader at once', async () => {
    await writeEvents(0, 6000);
    const fresh = tail.open('university', undefined);
    const stream = tail.open('university', 0);
    const read = lastId(stream);
    await eventually(() => read() === 6000 || undefined);
    expect(stream.listenerCount('close')).toBe(fresh.listenerCount('close'));
  });

  test('stops while a reader is catching up', async () => {
    await writeEvents(0, 1000);
    const live = lastId(tail.open('university', 0));
    await eventually(() => live() === 1000 || undefined);
    const streams = [0, 1, 5000].map(after => tail.open('university', after));
    await tail.stop();
    for (const stream of streams) stream.resume();
    await eventually(() => streams.every(stream => stream.closed) || undefined);
    expect(tail.streams).toBe(0);
    expect(() => tail.open('university', 0)).toThrow(expect.objectContaining({ code: 'unavailable' }));
  });
});
