import type { TSchema } from 'typebox';
import { checkSchema } from '@clean-room/protocol/documents';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { addressOf, type AddressParts } from './address.js';
import { readEvents, type ServerSentEvent } from './events.js';
import { errorFromResponse, unreachable } from './failure.js';
import type { BodyOf, ParamsOf, QueryOf, ResponseOf, RouteDefinition } from './route.js';

export interface Connection {
  /** Origin (and path prefix, if any) of the server. */
  readonly base: string;
  /** Asked before each request, so that a token can be renewed. */
  token?(): string | Promise<string>;
  /** For which of their parties a person acts. */
  readonly party?: string;
  readonly fetch?: typeof fetch;
}

type Input<D extends RouteDefinition> = (D extends { params: TSchema }
  ? { readonly params: ParamsOf<D> }
  : unknown) &
  (D extends { query: TSchema } ? { readonly query?: QueryOf<D> } : unknown) &
  (D extends { body: TSchema } ? { readonly body: BodyOf<D> } : unknown) & {
    readonly signal?: AbortSignal;
    /** The same key makes the same request count once; a fresh one is used unless told. */
    readonly idempotencyKey?: string;
  };

interface LooseInput extends AddressParts {
  readonly body?: unknown;
  readonly signal?: AbortSignal;
  readonly idempotencyKey?: string;
}

export interface Download {
  /** In bytes, where the server says. */
  readonly bytes: number | undefined;
  readonly stream: ReadableStream<Uint8Array>;
}

export interface StreamOptions {
  readonly signal: AbortSignal;
  /** Goes on behind this event. */
  readonly lastEventId?: string;
  /** Told each time the connection is lost, before it is tried again. */
  onLost?(error: CleanRoomError): void;
}

/** How long to wait before each further try after the connection failed, in milliseconds. */
const PAUSES = [200, 1000];
const LONGEST_PAUSE = 15_000;

const pause = (milliseconds: number): Promise<void> =>
  new Promise(resolve => {
    setTimeout(resolve, milliseconds);
  });

/** Calls routes by their definitions, in browser and Node alike. Every failure is a {@link CleanRoomError}. */
export class Client {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /**
   * One JSON call. A connection that fails is tried again: reading harms nothing, and a change carries a key that makes it
   * count once.
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
    return checkSchema(route.response, value, 'answer of the server') as ResponseOf<D>;
  }

  /**
   * Sends bytes. A stream can be read once only, so that a broken upload is the caller's to begin anew.
   */
  async upload<D extends RouteDefinition & { cargo: 'upload' }>(
    route: D,
    input: Omit<Input<D>, 'body'>,
    bytes: Uint8Array | ReadableStream<Uint8Array>
  ): Promise<ResponseOf<D>> {
    const { signal, ...parts } = input as LooseInput;
    const whole = bytes instanceof Uint8Array;
    const init: RequestInit & { duplex?: 'half' } = {
      headers: { 'content-type': 'application/octet-stream' },
      body: whole ? new Uint8Array(bytes) : bytes,
      ...(whole ? {} : { duplex: 'half' }),
      ...(signal === undefined ? {} : { signal })
    };
    const response = await this.#request(route, parts, init, whole);
    if (route.response === undefined) return undefined as ResponseOf<D>;
    return checkSchema(route.response, await response.json(), 'answer of the server') as ResponseOf<D>;
  }

  /** The bytes as they come. Whoever named them by digest checks it. */
  async download<D extends RouteDefinition & { cargo: 'download' | 'text' }>(
    route: D,
    input: Input<D>
  ): Promise<Download> {
    const { signal, ...parts } = input as LooseInput;
    const response = await this.#request(route, parts, signal === undefined ? {} : { signal });
    const length = response.headers.get('content-length');
    if (response.body === null) throw new CleanRoomError('malformed', 'The server’s answer is empty.');
    return { bytes: length === null ? undefined : Number(length), stream: response.body };
  }

  /** Like {@link download}, all of it in memory. @param limit most bytes to take */
  async downloadBytes<D extends RouteDefinition & { cargo: 'download' | 'text' }>(
    route: D,
    input: Input<D>,
    limit = 64 * 1024 * 1024
  ): Promise<Uint8Array> {
    const { stream } = await this.download(route, input);
    const reader = stream.getReader();
    const chunks: Uint8Array[] = [];
    let length = 0;
    for (;;) {
      const { value, done } = await reader.read();
      if (done) break;
      chunks.push(value);
      length += value.length;
      if (length > limit) {
        await reader.cancel();
        throw new CleanRoomError('too-large', `The server sends more than ${limit} bytes.`);
      }
    }
    const bytes = new Uint8Array(length);
    let offset = 0;
    for (const chunk of chunks) {
      bytes.set(chunk, offset);
      offset += chunk.length;
    }
    return bytes;
  }

  /**
   * Server-sent events without end: a lost connection is made again, and goes on behind the last event seen.
   * @throws CleanRoomError when the server refuses, rather than can't be reached
   */
  async *events<D extends RouteDefinition & { cargo: 'events' }>(
    route: D,
    options: StreamOptions
  ): AsyncGenerator<ServerSentEvent> {
    const { signal, onLost } = options;
    let { lastEventId } = options;
    let failures = 0;
    while (!signal.aborted) {
      try {
        const headers = {
          accept: 'text/event-stream',
          ...(lastEventId === undefined ? {} : { 'last-event-id': lastEventId })
        };
        const response = await this.#request(route, {}, { headers, signal }, false);
        if (response.body === null) throw unreachable(this.#connection.base, undefined);
        for await (const event of readEvents(response.body)) {
          failures = 0;
          lastEventId = event.id ?? lastEventId;
          yield event;
        }
      } catch (error) {
        if (signal.aborted) return;
        const failure = error instanceof CleanRoomError ? error : unreachable(this.#connection.base, error);
        if (failure.code !== 'unavailable' && failure.code !== 'rate-limited') throw failure;
        onLost?.(failure);
      }
      await pause(Math.min(LONGEST_PAUSE, 250 * 2 ** Math.min(failures++, 10) * (0.5 + Math.random() / 2)));
    }
  }

  async #request(
    route: RouteDefinition,
    parts: AddressParts,
    init: RequestInit,
    repeatable = true
  ): Promise<Response> {
    const { base, party, token } = this.#connection;
    const request = this.#connection.fetch ?? fetch;
    const address = base.replace(/\/$/, '') + addressOf(route, parts);
    for (let tries = 0; ; tries++) {
      const bearer = await token?.call(this.#connection);
      const headers = new Headers(init.headers);
      if (bearer !== undefined) headers.set('authorization', `Bearer ${bearer}`);
      if (party !== undefined) headers.set('clean-room-party', party);
      let response: Response;
      try {
        response = await request(address, { ...init, method: route.method, headers, redirect: 'error' });
      } catch (cause) {
        const wait = PAUSES[tries];
        if (!repeatable || wait === undefined || init.signal?.aborted === true)
          throw unreachable(base, cause);
        await pause(wait);
        continue;
      }
      if (response.ok) return response;
      throw await errorFromResponse(response);
    }
  }
}
