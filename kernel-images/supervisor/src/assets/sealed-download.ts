import type { RetryPolicy } from '@clean-room/node-support';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { ATTEMPT_SECONDS, type TransferAddress } from '@clean-room/protocol/jobs';
import { REFUSALS, RefusalCount } from '../job/transfer.js';
import { bodyOf, openExchange } from '../network/exchange.js';
import { TransientFailure, retryTransient } from '../network/retry.js';

/** The patience counts from the last byte that arrived, so that a slow download of a large asset can go on. */
const DOWNLOAD_RETRY: RetryPolicy = {
  totalMs: ATTEMPT_SECONDS.download * 1000,
  firstDelayMs: 500,
  longestDelayMs: 30_000
};
/** A connection that is open for longer is replaced by another one. */
const TIMEOUT_MS = 86_400_000;

/** A sealed file that can be downloaded. */
export interface SealedSource {
  /** Length of the file. */
  readonly bytes: number;
  /** Returns a fresh address. Called for each connection, because an address is valid for minutes. */
  address(): Promise<TransferAddress>;
}

/** A connection that sends the file from a certain byte. */
interface OpenDownload {
  readonly chunks: AsyncGenerator<Uint8Array>;
  /** Number of bytes at the beginning to skip, because the server does not support ranges. */
  readonly skip: number;
}

async function openFrom(
  source: SealedSource,
  first: number,
  refusals: RefusalCount,
  signal?: AbortSignal
): Promise<OpenDownload> {
  const { url, headers } = await source.address();
  const response = await openExchange(
    {
      method: 'GET',
      url,
      headers: { ...headers, ...(first === 0 ? {} : { range: `bytes=${first}-` }) },
      limit: source.bytes,
      timeoutMs: TIMEOUT_MS,
      ...(signal && { signal })
    },
    [200, 206, ...REFUSALS]
  );
  if (REFUSALS.includes(response.status)) await response.body?.cancel();
  refusals.requireAccepted(response);
  const isWhole = response.status === 200;
  const limit = isWhole ? source.bytes : source.bytes - first;
  return { chunks: bodyOf(response, limit), skip: isWhole ? first : 0 };
}

/** Returns what is left of `chunk` after skipping bytes. */
function afterSkip(chunk: Uint8Array, skip: number): Uint8Array {
  return skip >= chunk.length ? new Uint8Array() : chunk.subarray(skip);
}

/**
 * Yields the bytes of a sealed file. A broken download continues on another connection from the byte where it broke. The bytes
 * are not trusted: the caller checks their digest.
 *
 * @throws CleanRoomError `unavailable` when nothing arrived for too long, and codes of refusals
 */
export async function* downloadSealed(
  source: SealedSource,
  signal?: AbortSignal,
  retryPolicy: RetryPolicy = DOWNLOAD_RETRY
): AsyncGenerator<Uint8Array> {
  const refusals = new RefusalCount();
  let received = 0;
  while (received < source.bytes) {
    const gaveUp = (cause: TransientFailure) =>
      new CleanRoomError('unavailable', 'The sealed data could not be downloaded in time.', { cause });
    // The first bytes belong to the attempt to connect: a server that accepts connections and sends nothing is not a success.
    const { open, first } = await retryTransient(
      retryPolicy,
      async () => {
        const open = await openFrom(source, received, refusals, signal);
        const first = await open.chunks.next();
        if (first.done === true) throw new TransientFailure('The server closed the connection.');
        return { open, first: first.value };
      },
      gaveUp,
      signal
    );
    let { skip } = open;
    try {
      for (let chunk: Uint8Array | undefined = first; chunk !== undefined;) {
        const rest = afterSkip(chunk, skip);
        skip -= Math.min(skip, chunk.length);
        received += rest.length;
        if (rest.length > 0) yield rest;
        const next = await open.chunks.next();
        chunk = next.done === true ? undefined : next.value;
      }
    } catch (error) {
      if (!(error instanceof TransientFailure)) throw error;
    } finally {
      await open.chunks.return(undefined);
    }
  }
}
