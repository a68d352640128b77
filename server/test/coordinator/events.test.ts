import { describe, expect, test } from '@jest/globals';
import { routes, type CoordinatorEvent } from '@clean-room/api/coordinator';
import { Client, type ServerSentEvent } from '@clean-room/api';
import type { World } from '../support/coordinator.js';
import { DATABASES } from '../support/databases.js';
import { sharedWorld } from '../support/shared-world.js';
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
    for await (const event of client.events(routes.streamEvents, options)) this.events.push(event);
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
  let world: World;
  sharedWorld(prepare, shared => (world = shared));

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
