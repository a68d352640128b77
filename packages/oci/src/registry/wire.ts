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
import { brokenOff, refused, type RegistryFailure } from './failure.js';

export interface RegistryRequest {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT';
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: { readonly size: number; readonly bytes: ByteSource };
}

export interface RegistryResponse {
  readonly url: URL;
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: IncomingMessage;
}

const SILENCE_MS = 60_000;

/** The environment's proxy settings count, as for every other client, but not for this machine. */
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

/** Bytes on their way out, which remember when it was their source that failed and not the connection. */
class Outgoing {
  failure: { readonly cause: unknown } | undefined;
  readonly #bytes: ByteSource;

  constructor(bytes: ByteSource) {
    this.#bytes = bytes;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    try {
      yield* this.#bytes();
    } catch (cause) {
      this.failure = { cause };
      throw cause;
    }
  }
}

/**
 * One call, one answer; nothing is followed or tried again.
 * @throws RegistryFailure when the connection broke off, or whatever the body's source threw
 */
export function exchange(call: RegistryRequest): Promise<RegistryResponse> {
  const { url, body } = call;
  return new Promise((resolve, reject) => {
    const request = open(call);
    const outgoing = body && new Outgoing(body.bytes);
    // A registry may answer, and close, before it has read everything: then the answer came first, and counts.
    const fail = (cause: unknown): void =>
      reject(outgoing?.failure === undefined ? brokenOff(url, cause) : outgoing.failure.cause);
    request.setTimeout(SILENCE_MS, () =>
      request.destroy(Object.assign(new Error('silence'), { code: 'ETIMEDOUT' }))
    );
    request.on('error', fail);
    request.on('response', answer =>
      resolve({ url, status: answer.statusCode ?? 0, headers: answer.headers, body: answer })
    );
    if (outgoing === undefined) request.end();
    else pipeline(Readable.from(outgoing), request).catch(fail);
  });
}

/** Lets an answer's body go unread, so that its connection can be used again. */
export function dismiss({ body }: RegistryResponse): void {
  body.on('error', () => undefined).resume();
}

/**
 * Reads a body of limited size.
 * @throws CleanRoomError `too-large`, RegistryFailure when the connection broke off
 */
export async function readBody({ url, body }: RegistryResponse, limit: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of chunksOf(url, body)) {
    size += chunk.length;
    if (size > limit)
      throw new CleanRoomError('too-large', `The answer of ${url.host} is over ${limit} bytes.`);
    chunks.push(chunk);
  }
  return new Uint8Array(Buffer.concat(chunks));
}

/** A body's chunks; a connection that breaks off meanwhile is told from whatever else may fail. */
export async function* chunksOf(url: URL, body: IncomingMessage): AsyncGenerator<Uint8Array> {
  const chunks = body[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = await chunks.next().catch((cause: unknown) => {
        throw brokenOff(url, cause);
      });
      if (next.done === true) return;
      yield next.value as Uint8Array;
    }
  } finally {
    body.destroy();
  }
}

const ERROR_BYTES = 64 * 1024;

/** What to throw for an answer that is not one of those hoped for. */
export async function registryFailure(answer: RegistryResponse): Promise<RegistryFailure> {
  const retryAfter = answer.headers['retry-after'];
  const body = await readBody(answer, ERROR_BYTES).catch(() => new Uint8Array());
  return refused(answer.url, { status: answer.status, retryAfter }, Buffer.from(body).toString());
}
