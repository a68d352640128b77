import { describe, expect, it } from '@jest/globals';
import { Type } from 'typebox';
import { Client, defineRoute } from '../src/index.js';

const getThing = defineRoute({
  method: 'GET',
  path: '/v1/things/:id',
  summary: 'Get one thing',
  callers: ['person'],
  params: Type.Object({ id: Type.String() }),
  query: Type.Object({ limit: Type.Optional(Type.Integer()) }),
  response: Type.Object({ name: Type.String() })
});
const addThing = defineRoute({
  method: 'POST',
  path: '/v1/things',
  summary: 'Add a thing',
  callers: ['person'],
  body: Type.Object({ name: Type.String() }),
  status: 204
});
const getFile = defineRoute({
  method: 'GET',
  path: '/v1/files/*',
  summary: 'Download a file',
  callers: ['person'],
  params: Type.Object({ '*': Type.String() }),
  bodyKind: 'download'
});
const streamEvents = defineRoute({
  method: 'GET',
  path: '/v1/events',
  summary: 'Stream events',
  callers: ['person'],
  bodyKind: 'events'
});

const BASE = 'https://clean-room.example';

/** A client of a server that answers its requests in turn, and the requests. An `Error` breaks the connection. */
function clientOf(...answers: readonly (Response | Error)[]) {
  const requests: Request[] = [];
  const fetch = async (address: string | URL | Request, init?: RequestInit): Promise<Response> => {
    const answer = answers[requests.length];
    requests.push(new Request(address, init));
    if (answer === undefined || answer instanceof Error) throw answer ?? new TypeError('no answer left');
    return answer;
  };
  return { client: new Client({ base: BASE, token: () => 'secret', party: 'hospital', fetch }), requests };
}

const thing = (): Response => Response.json({ name: 'x' });

describe('a call', () => {
  it('sends parameters, query and credential, and returns the checked response', async () => {
    const { client, requests } = clientOf(thing());
    const input = { params: { id: '../a b' }, query: { limit: 2 } };
    expect(await client.call(getThing, input)).toEqual({ name: 'x' });
    expect(requests[0]?.url).toBe(`${BASE}/v1/things/..%2Fa%20b?limit=2`);
    expect(requests[0]?.headers.get('authorization')).toBe('Bearer secret');
    expect(requests[0]?.headers.get('clean-room-party')).toBe('hospital');
  });

  it('is repeated with the same idempotency key when the connection fails', async () => {
    const { client, requests } = clientOf(new TypeError('reset'), new Response(null, { status: 204 }));
    await client.call(addThing, { body: { name: 'x' } });
    const keys = requests.map(({ headers }) => headers.get('idempotency-key'));
    expect(keys).toHaveLength(2);
    expect(keys[0]).toBe(keys[1]);
  });

  it('fails with the error that the server reports', async () => {
    const problem = { code: 'expired', message: 'Too late.', remedy: 'Ask again.', reference: 'r1' };
    const { client } = clientOf(Response.json(problem, { status: 410 }));
    await expect(client.call(getThing, { params: { id: '1' } })).rejects.toMatchObject({
      code: 'expired',
      remedy: 'Ask again.',
      details: { reference: 'r1' }
    });
  });

  it.each([
    [403, 'forbidden'],
    [502, 'unavailable']
  ])('fails with a code for status %d when a proxy answers', async (status, code) => {
    const { client } = clientOf(new Response('<html>', { status }));
    await expect(client.call(getThing, { params: { id: '1' } })).rejects.toMatchObject({ code });
  });

  it('fails when the response does not have the form of the route', async () => {
    const { client } = clientOf(Response.json({ name: 1 }));
    await expect(client.call(getThing, { params: { id: '1' } })).rejects.toMatchObject({ code: 'malformed' });
  });
});

describe('a download', () => {
  it('escapes a path between its slashes', async () => {
    const { client, requests } = clientOf(new Response('abc'));
    await expect(client.downloadBytes(getFile, { params: { '*': 'a b/c?.txt' } })).resolves.toHaveLength(3);
    expect(requests[0]?.url).toBe(`${BASE}/v1/files/a%20b/c%3F.txt`);
  });

  it('is refused above its limit', async () => {
    const { client } = clientOf(new Response('abc'));
    await expect(client.downloadBytes(getFile, { params: { '*': 'a' } }, 2)).rejects.toMatchObject({
      code: 'too-large'
    });
  });
});

describe('a stream of events', () => {
  it('is opened again after the last event when the connection is lost', async () => {
    const { client, requests } = clientOf(
      new Response('id: 1\ndata: a\r\n\r\n: comment\n\nevent: run\nid: 2\ndata: b\ndata: c\n\n'),
      new TypeError('reset'),
      new Response('data: d\n\n')
    );
    const stop = new AbortController();
    const lost: string[] = [];
    const events: string[] = [];
    const options = { signal: stop.signal, onLost: ({ code }: { code: string }) => void lost.push(code) };
    for await (const { event, data } of client.events(streamEvents, options)) {
      events.push(`${event} ${data}`);
      if (data === 'd') break;
    }
    expect(events).toEqual(['message a', 'run b\nc', 'message d']);
    expect(lost).toEqual(['unavailable']);
    expect(requests.map(({ headers }) => headers.get('last-event-id'))).toEqual([null, '2', '2']);
  });

  it('fails when the server refuses it', async () => {
    const { client } = clientOf(new Response('', { status: 403 }));
    const events = client.events(streamEvents, { signal: new AbortController().signal });
    await expect(events.next()).rejects.toMatchObject({ code: 'forbidden' });
  });
});
