import { utf8 } from '@clean-room/protocol/bytes';
import { CleanRoomError } from '@clean-room/protocol/errors';
import type { JobResult } from '@clean-room/protocol/jobs';
import type { SealedOutput } from '@clean-room/protocol/sealing';
import { exchangeBytes } from '../network/exchange.js';
import { retry, type RetryPolicy } from '../network/retry.js';

/** A finished run has nothing else to wait for: it tries for half an hour. */
export const DELIVERY_RETRY: RetryPolicy = { totalMs: 1_800_000, firstDelayMs: 500, longestDelayMs: 30_000 };
const TIMEOUT_MS = 300_000;
const DONE = [200, 201, 202, 204];

interface Parcel {
  readonly method: 'PUT' | 'POST';
  readonly url: string;
  readonly bytes: Uint8Array;
  readonly type: string;
}

async function deliver(parcel: Parcel, patience: RetryPolicy, signal?: AbortSignal): Promise<void> {
  await retry(
    patience,
    () =>
      exchangeBytes(
        {
          method: parcel.method,
          url: parcel.url,
          body: { bytes: parcel.bytes, type: parcel.type },
          limit: 65_536,
          timeoutMs: TIMEOUT_MS,
          ...(signal === undefined ? {} : { signal })
        },
        DONE
      ),
    cause => new CleanRoomError('unavailable', 'The results could not be delivered in time.', { cause }),
    signal
  );
}

/** Objects lie beside the results: `…/results` → `…/objects/<digest>`. */
export function objectAddress(results: string, digest: string): string {
  return new URL(`objects/${digest}`, results).href;
}

/**
 * Delivers the sealed objects and then, as the end of the attempt, the result that names them. Every step can be
 * repeated: objects are named by digest, and the same result twice is one result.
 */
export async function deliverResult(
  results: string,
  objects: readonly SealedOutput[],
  result: JobResult,
  options: { readonly patience?: RetryPolicy; readonly signal?: AbortSignal } = {}
): Promise<void> {
  const { patience = DELIVERY_RETRY, signal } = options;
  for (const object of objects) {
    const url = objectAddress(results, object.digest);
    await deliver(
      { method: 'PUT', url, bytes: object.bytes, type: 'application/octet-stream' },
      patience,
      signal
    );
  }
  const bytes = utf8(JSON.stringify(result));
  await deliver({ method: 'POST', url: results, bytes, type: 'application/json' }, patience, signal);
}
