import { lookup } from 'node:dns';
import http, { type IncomingMessage } from 'node:http';
import https from 'node:https';
import type { LookupFunction } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

/** Resolves names that end in `.localhost` to this machine (RFC 6761 §6.3), which some system resolvers do not do. */
const resolveLocalhost: LookupFunction = (hostname, options, done) => {
  if (!hostname.endsWith('.localhost')) lookup(hostname, options, done);
  else if (options.all === true) done(null, [{ address: '127.0.0.1', family: 4 }]);
  else done(null, '127.0.0.1', 4);
};

function bodyOf(body: RequestInit['body']): Readable {
  if (body === undefined || body === null) return Readable.from([]);
  if (typeof body === 'string' || body instanceof Uint8Array) return Readable.from([Buffer.from(body)]);
  return Readable.fromWeb(body as Parameters<typeof Readable.fromWeb>[0]);
}

/**
 * Sends a request to a custodian, whose host name may end in `.localhost`. Redirects are not followed. Otherwise like `fetch`.
 *
 * @throws the system error when the connection fails
 */
export const fetchFromCustodian: typeof fetch = async (input, init = {}) => {
  const address = new URL(input instanceof Request ? input.url : input);
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const send = address.protocol === 'https:' ? https.request : http.request;
  const headers: Record<string, string> = {};
  new Headers(init.headers).forEach((value, name) => void (headers[name] = value));
  if (typeof init.body === 'string') headers['content-length'] = String(Buffer.byteLength(init.body));
  const request = send(
    address,
    {
      method: init.method ?? 'GET',
      headers,
      lookup: resolveLocalhost,
      ...(init.signal ? { signal: init.signal } : {})
    },
    resolve
  ).on('error', reject);
  pipeline(bodyOf(init.body), request).catch(reject);
  const response = await promise;
  const status = response.statusCode ?? 502;
  const received = new Headers();
  for (const [name, value] of Object.entries(response.headers)) received.set(name, String(value));
  const hasBody = status !== 204 && status !== 304;
  if (!hasBody) response.resume();
  const body = hasBody ? (Readable.toWeb(response) as ReadableStream<Uint8Array>) : null;
  return new Response(body, { status, headers: received });
};
