import { CleanRoomError, type ErrorCode } from '@clean-room/protocol/errors';
import { TransientFailure } from './retry.js';

/** An HTTP request with its limits. */
export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'PUT';
  readonly url: string;
  /** Headers, with the content type of a body. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  /** Maximum length of the response body in bytes. */
  readonly limit: number;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

/** A complete HTTP response. */
export interface HttpResponse {
  readonly status: number;
  readonly headers: Headers;
  readonly bytes: Uint8Array;
}

const TRANSIENT_STATUSES = new Set([408, 425, 429, 500, 502, 503, 504]);

const ERROR_CODES: Readonly<Record<number, ErrorCode>> = {
  401: 'unauthenticated',
  403: 'forbidden',
  404: 'not-found',
  409: 'conflict',
  410: 'not-found',
  413: 'too-large'
};

function deadline(request: HttpRequest): AbortSignal {
  const timeout = AbortSignal.timeout(request.timeoutMs);
  return request.signal === undefined ? timeout : AbortSignal.any([timeout, request.signal]);
}

async function send(request: HttpRequest): Promise<Response> {
  const { body, headers } = request;
  try {
    return await fetch(request.url, {
      method: request.method,
      // Only the address in the job may answer. A redirect is refused like any other unexpected status.
      redirect: 'manual',
      signal: deadline(request),
      headers: { ...headers },
      ...(body === undefined ? {} : { body: new Uint8Array(body) })
    });
  } catch (cause) {
    request.signal?.throwIfAborted();
    throw new TransientFailure('The connection failed or was interrupted.', { cause });
  }
}

/**
 * Sends a request, without redirects, cookies or credentials, and returns the response with its body still unread.
 *
 * @param expected - status codes of success
 * @throws TransientFailure when a retry may succeed; CleanRoomError otherwise
 */
export async function openExchange(request: HttpRequest, expected: readonly number[]): Promise<Response> {
  const response = await send(request);
  if (expected.includes(response.status)) return response;
  await response.body?.cancel();
  if (TRANSIENT_STATUSES.has(response.status))
    throw new TransientFailure(`The server answered with status ${response.status}.`);
  throw new CleanRoomError(
    ERROR_CODES[response.status] ?? 'unavailable',
    `The server refused the request with status ${response.status}.`
  );
}

/**
 * Yields the body of a response in chunks.
 *
 * @throws TransientFailure when the connection breaks; CleanRoomError `too-large` after `limit` bytes
 */
export async function* bodyOf(response: Response, limit: number): AsyncGenerator<Uint8Array> {
  if (response.body === null) return;
  let received = 0;
  const reader = response.body.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read().catch((cause: unknown) => {
        throw new TransientFailure('The connection was interrupted.', { cause });
      });
      if (done) return;
      received += value.length;
      if (received > limit) {
        throw new CleanRoomError('too-large', 'The server’s answer is too long.');
      }
      yield value;
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

/**
 * Sends a request and returns the whole response. Meant for small documents.
 *
 * @throws TransientFailure when a retry may succeed; CleanRoomError otherwise
 */
export async function exchangeBytes(
  request: HttpRequest,
  expected: readonly number[] = [200]
): Promise<HttpResponse> {
  const response = await openExchange(request, expected);
  const chunks: Uint8Array[] = [];
  for await (const chunk of bodyOf(response, request.limit)) chunks.push(chunk);
  return { status: response.status, headers: response.headers, bytes: Buffer.concat(chunks) };
}
