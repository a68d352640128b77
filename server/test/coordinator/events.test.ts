import { afterAll, beforeAll, beforeEach, afterEach, describe, expect, test } from '@jest/globals';
import type { Readable } from 'node:stream';
import type { CoordinatorEvent } from '../../src/client/coordinator/events.js';
import * as api from '../../src/client/coordinator/index.js';
import { Client, type ServerSentEvent } from '../../src/client/index.js';
import { MIGRATIONS } from '../../src/coordinator/database/migrations.js';
import type { Tables } from '../../src/coordinator/database/tables.js';
import { EventTail } from '../../src/coordinator/events/tail.js';
import { openDatabase, type Database } from '../../src/platform/database/index.js';
import { World } from '../support/coordinator.js';
import { DATABASES, type DatabaseMaker } from '../support/databases.js';
import { eventually } from '../support/wait.js';

/** What a client reads from the stream, until it is told to stop. */
class Listener {
  readonly events: ServerSentEvent[] = [];
  readonly #stop = new AbortController();
  readonly ended: Promise<unknown>;

  constructor(client: Client, lastEventId?: string) {
    this.ended = this.#read(client, lastEventId).catch((error: unknown) => error);
  }

  async #read(client: Client, lastEventId?: string): Promise<undefined> {
    const options = {
      signal: this.#stop.signal,
      ...(lastEventId === undefined ? {} : { lastEventId })
    };
    for await (const event of client.events(api.streamEvents, options)) this.events.push(event);
    return undefined;
  }

  /** Of which submissions it was told, in order and once each. */
  get submissions(): string[] {
    const ids = this.events
      .map(event => JSON.parse(event.data) as CoordinatorEvent)
      .flatMap(event => (event.topic === 'submission' ? [event.submission] : []));
    return [...new Set(ids)];
  }

  hears(id: string): Promise<true> {
    return eventually(() => this.submissions.includes(id) || undefined);
  }

  async stop(): Promise<unknown> {
    this.#stop.abort();
    return this.ended;
  }
}

describe.each(DATABASES)('the stream of events, on %s', (_kind, prepare) => {
  let maker: DatabaseMaker;
  let world: World;

  beforeAll(async () => {
    maker = await prepare();
    world = await World.start({ database: await maker.make() });
    await world.found();
  }, 180_000);
  afterAll(async () => {
    await world.stop();
    await maker.dispose();
  }, 60_000);

  const submit = async (): Promise<string> => (await world.submit()).id;
  const university = (): Client => world.person(world.parties.university);
  const open = (streams: number): Promise<true> =>
    eventually(async () => {
      const metrics = await (await fetch(`${world.coordinator.url}/metrics`)).text();
      return new RegExp(`^clean_room_event_streams ${streams}$`, 'm').test(metrics) || undefined;
    });

  test('tells a party of what is its own, and nobody else', async () => {
    const [asker, provider] = [
      new Listener(university()),
      new Listener(world.custodian(world.parties.hospital))
    ];
    const stranger = new Listener(world.person(world.parties.stranger));
    await open(3);
    const id = await submit();
    await Promise.all([asker.hears(id), provider.hears(id)]);
    await Promise.all([asker, provider, stranger].map(listener => listener.stop()));
    expect(stranger.events).toEqual([]);
    await open(0);
  });

  test('goes on behind the last event that was seen', async () => {
    const before = new Listener(university());
    await open(1);
    await before.hears(await submit());
    await before.stop();
    const missed = [await submit(), await submit()];
    const after = new Listener(university(), before.events.at(-1)?.id);
    await after.hears(missed[1]!);
    const next = await submit();
    await after.hears(next);
    await after.stop();
    expect(after.submissions).toEqual([...missed, next]);
    const ids = after.events.map(event => Number(event.id));
    expect(ids).toEqual([...new Set(ids)].sort((a, b) => a - b));
  });

  test('says so when it can’t know what was missed', async () => {
    const listener = new Listener(university(), '999999999');
    await eventually(() => listener.events[0]);
    await listener.stop();
    expect(JSON.parse(listener.events[0]!.data)).toEqual({ topic: 'resync' });
  });

  test('refuses a Last-Event-ID that is none', async () => {
    expect(await new Listener(university(), '1; DROP').ended).toMatchObject({ code: 'malformed' });
  });

  test('has room for two hundred readers, and each hears', async () => {
    const listeners = Array.from({ length: 200 }, () => new Listener(university()));
    await open(200);
    const id = await submit();
    await Promise.all(listeners.map(listener => listener.hears(id)));
    await Promise.all(listeners.map(listener => listener.stop()));
    await open(0);
  });

  test('ends with its server, and clients find the next one and miss nothing', async () => {
    const first = world.coordinator.url;
    // the server that comes next has another port
    const moved: typeof fetch = (input, init) =>
      fetch(String(input).replace(first, world.coordinator.url), init);
    const client = new Client({
      base: first,
      token: () => world.personToken,
      party: 'university',
      fetch: moved
    });
    const listener = new Listener(client);
    await open(1);
    const before = await submit();
    await listener.hears(before);
    await world.coordinator.close();
    await world.restart();
    const after = await submit();
    await listener.hears(after);
    await listener.stop();
    expect(listener.submissions).toEqual([before, after]);
  });
});

describe.each(DATABASES)('the tail of events, on %s', (_kind, prepare) => {
  let maker: DatabaseMaker;
  let database: Database<Tables>;
  let tail: EventTail;
  const failures: unknown[] = [];

  beforeAll(async () => {
    maker = await prepare();
  }, 180_000);
  afterAll(() => maker.dispose(), 60_000);
  beforeEach(async () => {
    failures.length = 0;
    database = await openDatabase<Tables>({ url: await maker.make(), migrations: MIGRATIONS });
    await database.db
      .insertInto('ledger')
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

  /** Events of the university's, `count` of them behind `last`. */
  async function happen(last: number, count: number): Promise<void> {
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
      .updateTable('ledger')
      .set({ last_event: last + count })
      .execute();
    tail.wake();
  }

  function lastId(stream: Readable): () => number {
    let text = '';
    stream.on('data', (piece: Buffer) => (text = (text + piece.toString()).slice(-4096)));
    return () => Number([...text.matchAll(/^id: (\d+)$/gm)].at(-1)?.[1] ?? 0);
  }

  test('cuts off who reads too slowly, and nobody else', async () => {
    const slow = tail.open('university', undefined);
    const read = lastId(tail.open('university', undefined));
    for (let last = 0; last < 2000; last += 200) {
      await happen(last, 200);
      await eventually(() => read() === last + 200 || undefined);
    }
    expect([slow.destroyed, tail.streams]).toEqual([true, 1]);
  });

  test('ends while a reader catches up', async () => {
    await happen(0, 1000);
    const live = lastId(tail.open('university', 0));
    await eventually(() => live() === 1000 || undefined);
    const streams = [0, 1, 5000].map(after => tail.open('university', after));
    await tail.stop();
    for (const stream of streams) stream.resume();
    await eventually(() => streams.every(stream => stream.closed) || undefined);
    expect(tail.streams).toBe(0);
  });
});
