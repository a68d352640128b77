import { CleanRoomSession } from '../../src/session/session.js';
import { FakeServer, problem, until } from '../support/coordinator.js';
import { memory, signedIn } from '../support/samples.js';

describe('CleanRoomSession', () => {
  it('signs in and acts for the first of the person’s parties', async () => {
    const { server } = signedIn();
    const session = new CleanRoomSession(server.settings, memory());
    await session.start();
    expect(session.acting?.title).toBe('The University');
    expect(session.may('researcher')).toBe(true);
    expect(session.may('reviewer')).toBe(false);
    session.feed.dispose();
  });

  it('makes each call for the acting party, and stores its name', async () => {
    const { server } = signedIn();
    const stored = memory('hospital');
    const session = new CleanRoomSession(server.settings, stored);
    await session.start();
    expect(session.acting?.party).toBe('hospital');
    await (await session.client()).runs();
    expect(server.calls.at(-1)?.headers.get('clean-room-party')).toBe('hospital');
    await session.actFor('university');
    await (await session.client()).runs();
    expect(server.calls.at(-1)?.headers.get('clean-room-party')).toBe('university');
    expect(stored.value).toBe('university');
    session.feed.dispose();
  });

  it('ignores a stored party that the person does not belong to', async () => {
    const { server } = signedIn();
    const session = new CleanRoomSession(server.settings, memory('insurer'));
    await session.start();
    expect(session.acting?.party).toBe('university');
    await session.actFor('insurer');
    expect(session.acting?.party).toBe('university');
    session.feed.dispose();
  });

  it('shows the relay’s message when there is no clean room', async () => {
    const server = new FakeServer().on('GET /api/v1/me', () =>
      problem(503, 'unavailable', 'The clean room can’t be reached.', 'Try again in a minute.')
    );
    const session = new CleanRoomSession(server.settings, memory());
    await session.start();
    expect(session.problem).toMatchObject({
      code: 'unavailable',
      remedy: 'Try again in a minute.',
      reference: 'abcd1234'
    });
    expect(session.acting).toBeUndefined();
    session.feed.dispose();
  });

  it('emits the events of the stream, and is live while it is open', async () => {
    const { server, events } = signedIn();
    const session = new CleanRoomSession(server.settings, memory());
    const topics: string[] = [];
    session.feed.changed.connect((_, change) => topics.push(change.topic));
    await session.start();
    await until(() => session.feed.status === 'live', 'a live feed');
    events.send(1, { topic: 'asset' });
    events.send(2, { topic: 'mailbox' });
    events.send(3, { topic: 'run' });
    await until(() => topics.includes('run'), 'the run event');
    expect(topics.filter(topic => topic !== 'resync')).toEqual(['asset', 'run']);
    session.feed.dispose();
  });

  it('reconnects when the stream breaks, and continues after the last event', async () => {
    const { server, events } = signedIn();
    const session = new CleanRoomSession(server.settings, memory());
    await session.start();
    await until(() => session.feed.status === 'live', 'a live feed');
    events.send(41, { topic: 'asset' });
    events.end();
    const streams = (): Headers[] =>
      server.calls.filter(({ path }) => path === '/api/v1/events').map(({ headers }) => headers);
    server.on('GET /api/v1/events', () => signedIn().events.response);
    await until(() => streams().length > 1, 'a second stream');
    expect(streams()[1]?.get('last-event-id')).toBe('41');
    session.feed.dispose();
  });
});
