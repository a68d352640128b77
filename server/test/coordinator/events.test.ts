import { describe, expect, test } from '@jest/globals';
import { routes, type CoordinatorEvent } from '@clean-room/api/coordinator';
import { Client, type ServerSentEvent } from '@clean-room/api';
import type { TestDeployment } from '../support/deployment.js';
import { DATABASES } from '../support/databases.js';
import { useSharedDeployment } from '../support/shared-deployment.js';
import { eventually } from '../support/wait.js';

/** Collects the events that a client reads from the stream. */
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

  /** Ids of the submissions in the events, in order and without repetitions. */
  get submissions(): string[] {
    const ids = this.events
      .map(event => JSON.parse(event.data) as CoordinatorEvent)
      .flatMap(event => (event.topic === 'submission' ? [event.submission] : []));
    return [...new Set(ids)];
  }

  waitFor(id: string): Promise<true> {
    return eventually(() => this.submissions.includes(id) || undefined);
  }

  async stop(): Promise<unknown> {
    this.#stop.abort();
    return this.ended;
  }
}

describe.each(DATABASES)('the stream of events, on %s', (_kind, prepare) => {
  let deployment: TestDeployment;
  useSharedDeployment(prepare, shared => (deployment = shared));

  const submit = async (): Promise<string> => (await deployment.submit()).id;
  const university = (): Client => deployment.person(deployment.parties.university);
  const open = (streams: number): Promise<true> =>
    eventually(async () => {
      const metrics = await (await fetch(`${deployment.coordinator.url}/metrics`)).text();
      return new RegExp(`^clean_room_event_streams ${streams}$`, 'm').test(metrics) || undefined;
    });

  test('sends events only to the parties that they concern', async () => {
    const [researcher, provider] = [
      new Listener(university()),
      new Listener(deployment.custodian(deployment.parties.hospital))
    ];
    const stranger = new Listener(deployment.person(deployment.parties.stranger));
    await open(3);
    const id = await submit();
    await Promise.all([researcher.waitFor(id), provider.waitFor(id)]);
    await Promise.all([researcher, provider, stranger].map(listener => listener.stop()));
    expect(stranger.events).toEqual([]);
    await open(0);
  });

  test('continues after the last event that the client received', async () => {
    const before = new Listener(university());
    await open(1);
    await before.waitFor(await submit());
    await before.stop();
    const missed = [await submit(), await submit()];
    const after = new Listener(university(), before.events.at(-1)?.id);
    await after.waitFor(missed[1]!);
    const next = await submit();
    await after.waitFor(next);
    await after.stop();
    expect(after.submissions).toEqual([...missed, next]);
    const ids = after.events.map(event => Number(event.id));
    expect(ids).toEqual([...new Set(ids)].sort((a, b) => a - b));
  });

  test('sends a resync event when it cannot know which events were missed', async () => {
    const listener = new Listener(university(), '999999999');
    await eventually(() => listener.events[0]);
    await listener.stop();
    expect(JSON.parse(listener.events[0]!.data)).toEqual({ topic: 'resync' });
  });

  test('refuses an invalid Last-Event-ID', async () => {
    expect(await new Listener(university(), '1; DROP').ended).toMatchObject({ code: 'malformed' });
  });

  test('sends events to two hundred clients', async () => {
    const listeners = Array.from({ length: 200 }, () => new Listener(university()));
    await open(200);
    const id = await submit();
    await Promise.all(listeners.map(listener => listener.waitFor(id)));
    await Promise.all(listeners.map(listener => listener.stop()));
    await open(0);
  });

  test('loses no event when the server restarts', async () => {
    const first = deployment.coordinator.url;
    // The next server has another port.
    const moved: typeof fetch = (input, init) => {
      const address = input instanceof Request ? input.url : input.toString();
      return fetch(address.replace(first, deployment.coordinator.url), init);
    };
    const client = new Client({
      base: first,
      token: () => deployment.personToken,
      party: 'university',
      fetch: moved
    });
    const listener = new Listener(client);
    await open(1);
    const before = await submit();
    await listener.waitFor(before);
    await deployment.coordinator.close();
    await deployment.restart();
    const after = await submit();
    await listener.waitFor(after);
    await listener.stop();
    expect(listener.submissions).toEqual([before, after]);
  });
});
