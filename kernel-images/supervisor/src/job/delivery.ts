import type { RetryPolicy } from '@clean-room/node-support';
import { utf8 } from '@clean-room/protocol/bytes';
import { CleanRoomError } from '@clean-room/protocol/errors';
import type { JobResult } from '@clean-room/protocol/jobs';
import type { SealedOutput } from '@clean-room/protocol/sealing';
import { exchangeBytes } from '../network/exchange.js';
import { retryTransient } from '../network/retry.js';

/** A finished run has nothing else to do, so it retries the delivery for half an hour. */
const DELIVERY_RETRY: RetryPolicy = { totalMs: 1_800_000, firstDelayMs: 500, longestDelayMs: 30_000 };
const TIMEOUT_MS = 300_000;
const ACCEPTED = [200, 201, 202, 204];

interface Upload {
  readonly method: 'PUT' | 'POST';
  readonly url: string;
  readonly bytes: Uint8Array;
  readonly type: string;
}

async function upload(part: Upload, policy: RetryPolicy, signal?: AbortSignal): Promise<void> {
  await retryTransient(
    policy,
    () =>
      exchangeBytes(
        {
          method: part.method,
          url: part.url,
          body: { bytes: part.bytes, type: part.type },
          limit: 65_536,
          timeoutMs: TIMEOUT_MS,
          ...(signal === undefined ? {} : { signal })
        },
        ACCEPTED
      ),
    cause => new CleanRoomError('unavailable', 'The results could not be delivered in time.', { cause }),
    signal
  );
}

/** Returns the address of an object, which is relative to that of the results: `…/results` → `…/objects/<digest>`. */
export function objectAddress(results: string, digest: string): string {
  return new URL(`objects/${digest}`, results).href;
}

/**
 * Uploads the sealed objects and then the result that names them, which ends the attempt. Every step can be repeated:
 * objects are named by digest, and delivering the same result twice has no further effect.
 *
 * @param results - URL of the job's results
 * @throws CleanRoomError `conflict` and other codes of a refusal, `unavailable`
 */
export async function deliverResult(
  results: string,
  objects: readonly SealedOutput[],
  result: JobResult,
  options: { readonly retryPolicy?: RetryPolicy; readonly signal?: AbortSignal } = {}
): Promise<void> {
  const { retryPolicy = DELIVERY_RETRY, signal } = options;
  for (const object of objects) {
    const url = objectAddress(results, object.digest);
    await upload(
      { method: 'PUT', url, bytes: object.bytes, type: 'application/octet-stream' },
      retryPolicy,
      signal
    );
  }
  const bytes = utf8(JSON.stringify(result));
  await upload({ method: 'POST', url: results, bytes, type: 'application/json' }, retryPolicy, signal);
}
