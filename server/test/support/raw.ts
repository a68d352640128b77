import type { World } from './coordinator.js';

interface Raw {
  readonly status: number;
  readonly body: { code?: string; message?: string; reference?: string };
  readonly headers: Headers;
}

/** A request as anybody can make it, without our client's manners. */
export async function raw(
  world: World,
  method: string,
  path: string,
  options: { body?: unknown; headers?: Record<string, string>; party?: string; token?: string } = {}
): Promise<Raw> {
  const { body, headers = {}, party = 'university', token = world.personToken } = options;
  const response = await fetch(world.coordinator.url + path, {
    method,
    headers: {
      authorization: `Bearer ${token}`,
      'clean-room-party': party,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers
    },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) })
  });
  const text = await response.text();
  let parsed: Raw['body'];
  try {
    parsed = JSON.parse(text) as Raw['body'];
  } catch {
    parsed = {};
  }
  return { status: response.status, body: parsed, headers: response.headers };
}
