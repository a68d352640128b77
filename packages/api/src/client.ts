import type { TSchema } from 'typebox';
import { concat } from '@clean-room/protocol/bytes';
import { checkSchema } from '@clean-room/protocol/documents';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { readEvents, type ServerSentEvent } from './events.js';
import { errorFromResponse, unreachableError } from './problem.js';
import {
  addressOf,
  type AddressParts,
  type BodyOf,
  type ParamsOf,
  type QueryOf,
  type ResponseOf,
  type RouteDefinition
} from './route.js';

/** The server that a client calls, and the credential of its calls. */
export interface Connection {
  /** The origin of the server, with a path prefix if there is one. */
  readonly base: string;
  /** Returns the bearer token. It is called before each request, so that the token can be renewed. */
  token?(): string | Promise<string>;
  /**
   * Returns the `Authorization` header of one request, for servers whose callers sign each request. It is called again for each
   * repetition.
   *
   * @param body - the JSON body; undefined for none and for uploads
   */
  sign?(method: string, path: string, body: string | undefined): string | Promise<string>;
  /** The party that a person acts for, when they belong to several. */
  readonly party?: string;
  readonly fetch?: typeof fetch;
}

type Input<D extends RouteDefinition> = (D extends { params: TSchema }
  ? { readonly params: ParamsOf<D> }
  : unknown) &
  (D extends { query: TSchema } ? { readonly query?: QueryOf<D> } : unknown) &
  (D extends { body: TSchema } ? { readonly body: BodyOf<D> } : unknown) & {
    readonly signal?: AbortSignal;
    /** Requests with the same key take effect only once. Each call has a new key by default. */
    readonly idempotencyKey?: string;
  };

interface LooseInput extends AddressParts {
  readonly body?: unknown;
  readonly signal?: AbortSignal;
  readonly idempotencyKey?: string;
}

/** The body of a response, while it arrives. */
export interface Download {
  /** The size in bytes, if the server states it. */
  readonly bytes: number | undefined;
  readonly stream: ReadableStream<Uint8Array>;
}

/** The options of {@link Client.events}. */
export interface StreamOptions {
  /** Ends the stream. */
  readonly signal: AbortSignal;
  /** Resumes after this event. */
  readonly lastEventId?: string;
  /** A function that is called each time the connection is lost, before the next attempt. */
  onLost?(error: CleanRoomError): void;
}

/** The delays before a request is repeated after the connection failed, in milliseconds. */
const REQUEST_DELAYS_MS = [200, 1000];

/** The delays before a stream of events is connected again: they double up to a maximum. In milliseconds. */
const FIRST_STREAM_DELAY_MS = 250;
const LONGEST_STREAM_DELAY_MS = 15_000;

/** The default size limit of {@link Client.downloadBytes}. */
const DOWNLOAD_LIMIT_BYTES = 64 * 1024 * 1024;

const wait = (milliseconds: number): Promise<void> =>
  new Promise(resolve => {
    setTimeout(resolve, milliseconds);
  });

/** Returns the delay after a number of failed connections, part of it random, so that clients do not all reconnect at once. */
function streamDelayMs(failures: number): number {
  const delay = FIRST_STREAM_DELAY_MS * 2 ** Math.min(failures, 10) * (0.5 + Math.random() / 2);
  return Math.min(LONGEST_STREAM_DELAY_MS, delay);
}

/** Calls routes by their definitions, in browsers and in Node. All errors are {@link CleanRoomError}s. */
export class Client {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /**
   * Calls a route with JSON. The request is repeated when the connection fails: reading has no effect, and a change carries a
   * key with which it takes effect only once.
   *
   * @throws CleanRoomError the error that the server reports, or `unavailable`
   */
  async call<D extends RouteDefinition>(route: D, input: Input<D>): Promise<ResponseOf<D>> {
    const { body, signal, idempotencyKey = crypto.randomUUID(), ...parts } = input as LooseInput;
    const response = await this.#request(route, parts, {
      headers: {
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(route.method === 'POST' ? { 'idempotency-key': idempotencyKey } : {})
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(signal === undefined ? {} : { signal })
    });
    if (route.response === undefined || response.status === 204) {
      await response.body?.cancel();
      return undefined as ResponseOf<D>;
    }
    const value: unknown = await response.json();
    return checkSchema(route.response, value, 'server’s response') as ResponseOf<D>;
  }

  /**
   * Sends bytes. A stream can be read only once, so an upload from a stream is not repeated when the connection fails.
   *
   * @throws CleanRoomError the error that the server reports, or `unavailable`
   */
  async upload<D extends RouteDefinition & { bodyKind: 'upload' }>(
    route: D,
    input: Omit<Input<D>, 'body'>,
    bytes: Uint8Array | ReadableStream<Uint8Array>
  ): Promise<ResponseOf<D>> {
    const { signal, ...parts } = input as LooseInput;
    const isRepeatable = bytes instanceof Uint8Array;
    const init: RequestInit & { duplex?: 'half' } = {
      headers: { 'content-type': 'application/octet-stream' },
      body: isRepeatable ? new Uint8Array(bytes) : bytes,
      ...(isRepeatable ? {} : { duplex: 'half' }),
      ...(signal === undefined ? {} : { signal })
    };
    const response = await this.#request(route, parts, init, isRepeatable);
    if (route.response === undefined) return undefined as ResponseOf<D>;
    return checkSchema(route.response, await response.json(), 'server’s response') as ResponseOf<D>;
  }

  /**
   * Returns the bytes of a response as a stream. The caller must check them if it knows their digest.
   *
   * @throws CleanRoomError the error that the server reports, or `unavailable`
   */
  async download<D extends RouteDefinition & { bodyKind: 'download' | 'text' }>(
    route: D,
    input: Input<D>
  ): Promise<Download> {
    const { signal, ...parts } = input as LooseInput;
    const response = await this.#request(route, parts, signal === undefined ? {} : { signal });
    const length = response.headers.get('content-length');
    if (response.body === null) throw new CleanRoomError('malformed', 'The server’s response has no body.');
    return { bytes: length === null ? undefined : Number(length), stream: response.body };
  }

  /**
   * Returns the bytes of a response.
   *
   * @param limit - the maximum number of bytes
   * @throws CleanRoomError `too-large`, the error that the server reports, or `unavailable`
   */
  async downloadBytes<D extends RouteDefinition & { bodyKind: 'download' | 'text' }>(
    route: D,
    input: Input<D>,
    limit = DOWNLOAD_LIMIT_BYTES
  ): Promise<Uint8Array> {
    const { stream } = await this.download(route, input);
    const reader = stream.getReader();
    const chunks: Uint8Array[] = [];
    let length = 0;
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return concat(...chunks);
      chunks.push(value);
      length += value.length;
      if (length > limit) {
        await reader.cancel();
        throw new CleanRoomError('too-large', `The server sent more than ${limit} bytes.`);
      }
    }
  }

  /**
   * Yields server-sent events until `signal` is aborted. A lost connection is opened again and resumes after the last event.
   *
   * @throws CleanRoomError when the server refuses the request; not when it cannot be reached or limits the rate
   */
  async *events(
    route: RouteDefinition & { bodyKind: 'events' },
    options: StreamOptions
  ): AsyncGenerator<ServerSentEvent> {
    const { signal } = options;
    const isAborted = (): boolean => signal.aborted;
    let { lastEventId } = options;
    let failures = 0;
    while (!isAborted()) {
      try {
        const headers = {
          accept: 'text/event-stream',
          ...(lastEventId === undefined ? {} : { 'last-event-id': lastEventId })
        };
        const response = await this.#request(route, {}, { headers, signal }, false);
        if (response.body === null) throw unreachableError(this.#connection.base, undefined);
        for await (const event of readEvents(response.body)) {
          failures = 0;
          lastEventId = event.id ?? lastEventId;
          yield event;
        }
      } catch (error) {
        if (isAborted()) return;
        const reported =
          error instanceof CleanRoomError ? error : unreachableError(this.#connection.base, error);
        if (reported.code !== 'unavailable' && reported.code !== 'rate-limited') throw reported;
        options.onLost?.(reported);
      }
      await wait(streamDelayMs(failures++));
    }
  }

  async #request(
    route: RouteDefinition,
    parts: AddressParts,
    init: RequestInit,
    isRepeatable = true
  ): Promise<Response> {
    const { base, party } = this.#connection;
    const request = this.#connection.fetch ?? fetch;
    const path = addressOf(route, parts);
    const address = base.replace(/\/$/, '') + path;
    const body = typeof init.body === 'string' ? init.body : undefined;
    for (let failures = 0; ; failures++) {
      const bearer = await this.#connection.token?.();
      const headers = new Headers(init.headers);
      if (bearer !== undefined) headers.set('authorization', `Bearer ${bearer}`);
      const signed = await this.#connection.sign?.(route.method, path, body);
      if (signed !== undefined) headers.set('authorization', signed);
      if (party !== undefined) headers.set('clean-room-party', party);
      let response: Response;
      try {
        response = await request(address, { ...init, method: route.method, headers, redirect: 'error' });
      } catch (cause) {
        const delay = REQUEST_DELAYS_MS[failures];
        if (!isRepeatable || delay === undefined || init.signal?.aborted === true)
          throw unreachableError(base, cause);
        await wait(delay);
        continue;
      }
      if (response.ok) return response;
      throw await errorFromResponse(response);
    }
  }
}
