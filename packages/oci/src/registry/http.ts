import {
  Agent as HttpAgent,
  request as httpRequest,
  type ClientRequest,
  type IncomingHttpHeaders,
  type IncomingMessage
} from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { CleanRoomError } from '@clean-room/protocol/errors';
import type { ByteSource } from '../store.js';
import { isLoopback } from './address.js';
import { connectionError, statusError, type RegistryFailure } from './errors.js';

/** An HTTP request to a registry. */
export interface RegistryRequest {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT';
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: { readonly size: number; readonly bytes: ByteSource };
}

/** An HTTP response whose body has not been read yet: read it, or call `discardBody`. */
export interface RegistryResponse {
  readonly url: URL;
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: IncomingMessage;
}

/** The longest time without any data in either direction. */
const IDLE_TIMEOUT_MS = 60_000;

/** Connections use the proxy settings of the environment, as other clients do, but not for this machine. */
const agents = {
  loopback: new HttpAgent({ keepAlive: true }),
  'http:': new HttpAgent({ keepAlive: true, proxyEnv: process.env }),
  'https:': new HttpsAgent({ keepAlive: true, proxyEnv: process.env })
};

function open({ method, url, headers = {}, body }: RegistryRequest): ClientRequest {
  const length = body?.size ?? (method === 'POST' ? 0 : undefined);
  const options = {
    method,
    headers: {
      'user-agent': 'clean-room',
      ...headers,
      ...(length === undefined ? {} : { 'content-length': length })
    }
  };
  if (url.protocol !== 'http:') return httpsRequest(url, { ...options, agent: agents['https:'] });
  return httpRequest(url, { ...options, agent: isLoopback(url) ? agents.loopback : agents['http:'] });
}

/** The bytes of a request's body. Records whether their source failed, to distinguish this from a broken connection. */
class RequestBody {
  failure: Error | undefined;
  readonly #bytes: ByteSource;

  constructor(bytes: ByteSource) {
    this.#bytes = bytes;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    try {
      yield* this.#bytes();
    } catch (cause) {
      this.failure = cause instanceof Error ? cause : new Error('The body could not be read.', { cause });
      throw cause;
    }
  }
}

/**
 * Sends one request and returns its response. Redirects are not followed, and nothing is retried.
 *
 * @throws RegistryFailure if the connection breaks
 * @throws the error of the body's source, if that fails
 */
export function sendRequest(request: RegistryRequest): Promise<RegistryResponse> {
  const { url, body } = request;
  return new Promise((resolve, reject) => {
    const client = open(request);
    const outgoing = body && new RequestBody(body.bytes);
    // A registry may respond and close the connection before it has read the whole body. The response then arrives first, so
    // the later rejection has no effect.
    const fail = (cause: unknown): void => reject(outgoing?.failure ?? connectionError(url, cause));
    client.setTimeout(IDLE_TIMEOUT_MS, () =>
      client.destroy(Object.assign(new Error('timeout'), { code: 'ETIMEDOUT' }))
    );
    client.on('error', fail);
    client.on('response', answer =>
      resolve({ url, status: answer.statusCode ?? 0, headers: answer.headers, body: answer })
    );
    if (outgoing === undefined) client.end();
    else pipeline(Readable.from(outgoing), client).catch(fail);
  });
}

/** Discards the body of a response, so that its connection can be used again. */
export function discardBody({ body }: RegistryResponse): void {
  body.on('error', () => undefined).resume();
}

/**
 * Reads a body of limited size.
 *
 * @param limit - the maximum size in bytes
 * @throws CleanRoomError `too-large`
 * @throws RegistryFailure if the connection breaks
 */
export async function readBody({ url, body }: RegistryResponse, limit: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of bodyChunks(url, body)) {
    size += chunk.length;
    if (size > limit)
      throw new CleanRoomError('too-large', `The answer of ${url.host} is larger than ${limit} bytes.`);
    chunks.push(chunk);
  }
  return new Uint8Array(Buffer.concat(chunks));
}

/**
 * Returns the chunks of a body.
 *
 * @throws RegistryFailure if the connection breaks; errors of the caller are passed on unchanged
 */
export async function* bodyChunks(url: URL, body: IncomingMessage): AsyncGenerator<Uint8Array> {
  const chunks = body[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = await chunks.next().catch((cause: unknown) => {
        throw connectionError(url, cause);
      });
      if (next.done === true) return;
      yield next.value as Uint8Array;
    }
  } finally {
    body.destroy();
  }
}

const ERROR_BYTES = 64 * 1024;

/** Returns the error for a response with an unexpected status, with the registry's messages from its body. */
export async function responseError(answer: RegistryResponse): Promise<RegistryFailure> {
  const retryAfter = answer.headers['retry-after'];
  const body = await readBody(answer, ERROR_BYTES).catch(() => new Uint8Array());
  return statusError(answer.url, { status: answer.status, retryAfter }, Buffer.from(body).toString());
}
