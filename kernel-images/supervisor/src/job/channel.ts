import type { TSchema, Static } from 'typebox';
import type { RetryPolicy } from '@clean-room/node-support';
import { digestOf, utf8 } from '@clean-room/protocol/bytes';
import { checkSchema, parseStrictJson } from '@clean-room/protocol/documents';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { PROOF_HEADER, proveRequest } from '@clean-room/protocol/jobs';
import { exchangeBytes, type HttpResponse } from '../network/exchange.js';
import { retryTransient } from '../network/retry.js';

const TIMEOUT_MS = 60_000;
const ACCEPTED = [200, 201, 202, 204];

/** The limits of one request. */
export interface ChannelOptions {
  readonly retryPolicy: RetryPolicy;
  /** Maximum length of the answer in bytes. */
  readonly limit?: number;
  /** Maximum time of one try. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/**
 * The connection of a registered attempt to its coordinator. Each request has a number and an HMAC with the attempt's secret, and
 * the next one starts when the one before has ended, so that the coordinator receives them in order. A repeated request has the
 * same number, and takes effect once.
 */
export class JobChannel {
  /** The job's address, without a slash at the end. */
  readonly address: string;
  readonly #secret: Uint8Array;
  #sequence = 0;
  #last: Promise<unknown> = Promise.resolve();

  /**
   * Creates the channel; nothing is sent yet.
   *
   * @param address - the job's address, without a slash at the end
   * @param secret - the attempt's secret, 32 bytes
   */
  constructor(address: string, secret: Uint8Array) {
    this.address = address;
    this.#secret = secret;
  }

  /**
   * Reads JSON.
   *
   * @param path - relative to the job's address, for example `/mailbox?after=3`
   * @throws CleanRoomError `unavailable` when the policy allows no further try, `malformed`, and codes of refusals
   */
  async get<S extends TSchema>(path: string, schema: S, options: ChannelOptions): Promise<Static<S>> {
    const { bytes } = await this.#enqueue('GET', path, undefined, options);
    return checkSchema(schema, parseStrictJson(bytes), 'coordinator’s answer');
  }

  /** Sends JSON, and reads the answer if `schema` is given. Fails as `get`. */
  async post<S extends TSchema>(
    path: string,
    body: unknown,
    options: ChannelOptions,
    schema: S
  ): Promise<Static<S>>;
  async post(path: string, body: unknown, options: ChannelOptions): Promise<undefined>;
  async post(path: string, body: unknown, options: ChannelOptions, schema?: TSchema): Promise<unknown> {
    const { bytes } = await this.#enqueue('POST', path, utf8(JSON.stringify(body)), options);
    if (schema === undefined) return undefined;
    return checkSchema(schema, parseStrictJson(bytes), 'coordinator’s answer');
  }

  #enqueue(
    method: 'GET' | 'POST',
    path: string,
    body: Uint8Array | undefined,
    options: ChannelOptions
  ): Promise<HttpResponse> {
    const request = this.#last.then(() => this.#send(method, path, body, options));
    this.#last = request.catch(() => undefined);
    return request;
  }

  async #send(
    method: 'GET' | 'POST',
    path: string,
    body: Uint8Array | undefined,
    { retryPolicy, limit = 65_536, timeoutMs = TIMEOUT_MS, signal }: ChannelOptions
  ): Promise<HttpResponse> {
    const url = `${this.address}${path}`;
    this.#sequence += 1;
    const { pathname, search } = new URL(url);
    const proof = proveRequest(this.#secret, {
      sequence: this.#sequence,
      method,
      path: `${pathname}${search}`,
      body: digestOf(body ?? new Uint8Array())
    });
    return retryTransient(
      retryPolicy,
      () =>
        exchangeBytes(
          {
            method,
            url,
            headers: {
              [PROOF_HEADER]: proof,
              ...(body === undefined ? {} : { 'content-type': 'application/json' })
            },
            ...(body === undefined ? {} : { body }),
            limit,
            timeoutMs,
            ...(signal === undefined ? {} : { signal })
          },
          ACCEPTED
        ),
      cause => new CleanRoomError('unavailable', 'The coordinator could not be reached in time.', { cause }),
      signal
    );
  }
}
