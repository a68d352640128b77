import { CleanRoomError, type ErrorCode } from '@clean-room/protocol/errors';
import { TransientFailure } from './retry.js';

export interface Exchange {
  readonly method: 'GET' | 'POST' | 'PUT';
  readonly url: string;
  readonly body?: { readonly bytes: Uint8Array; readonly type: string };
  /** Most bytes the answer may have. */
  readonly limit: number;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

export interface HttpResponse {
  readonly status: number;
  readonly bytes: Uint8Array;
}

const PASSING = new Set([408, 425, 429, 500, 502, 503, 504]);

const REFUSALS: Readonly<Record<number, ErrorCode>> = {
  401: 'unauthenticated',
  403: 'forbidden',
  404: 'not-found',
  409: 'conflict',
  410: 'not-found',
  413: 'too-large'
};

function deadline(exchange: Exchange): AbortSignal {
  const timeout = AbortSignal.timeout(exchange.timeoutMs);
  return exchange.signal === undefined ? timeout : AbortSignal.any([timeout, exchange.signal]);
}

async function send(exchange: Exchange): Promise<Response> {
  const { body } = exchange;
  try {
    return await fetch(exchange.url, {
      method: exchange.method,
      // An answer from elsewhere than where the job says is no answer: a redirect is refused like any other status.
      redirect: 'manual',
      signal: deadline(exchange),
      ...(body === undefined
        ? {}
        : { body: new Uint8Array(body.bytes), headers: { 'content-type': body.type } })
    });
  } catch (cause) {
    exchange.signal?.throwIfAborted();
    throw new TransientFailure('The connection could not be made or broke off.', { cause });
  }
}

/**
 * Opens one exchange and hands over the answer's body as it comes. No redirects, no cookies, no credentials.
 * @throws PassingFailure for what may pass, CleanRoomError for what will not
 */
export async function openExchange(exchange: Exchange, expected: readonly number[]): Promise<Response> {
  const response = await send(exchange);
  if (expected.includes(response.status)) return response;
  await response.body?.cancel();
  if (PASSING.has(response.status)) throw new TransientFailure(`The server answered ${response.status}.`);
  throw new CleanRoomError(
    REFUSALS[response.status] ?? 'unavailable',
    `The server refused with ${response.status}.`
  );
}

/** The body of an answer, chunk by chunk, never more than `limit` bytes. */
export async function* bodyOf(response: Response, limit: number): AsyncGenerator<Uint8Array> {
  if (response.body === null) return;
  let received = 0;
  const reader = response.body.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read().catch((cause: unknown) => {
        throw new TransientFailure('The connection broke off.', { cause });
      });
      if (done) return;
      received += value.length;
      if (received > limit) {
        throw new CleanRoomError('too-large', 'The answer is longer than it may be.');
      }
      yield value;
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

/** One whole exchange of small documents. */
export async function exchangeBytes(
  exchange: Exchange,
  expected: readonly number[] = [200]
): Promise<HttpResponse> {
  const response = await openExchange(exchange, expected);
  const chunks: Uint8Array[] = [];
  for await (const chunk of bodyOf(response, exchange.limit)) chunks.push(chunk);
  return { status: response.status, bytes: Buffer.concat(chunks) };
}
