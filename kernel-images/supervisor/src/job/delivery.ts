import type { RetryPolicy } from '@clean-room/node-support';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { ATTEMPT_SECONDS, type JobResult } from '@clean-room/protocol/jobs';
import type { SealedOutput } from '@clean-room/protocol/sealing';
import { retryTransient } from '../network/retry.js';
import type { JobChannel } from './channel.js';
import type { TransferAddresses } from './transfer.js';
import { ObjectUpload } from './upload.js';

/** A finished run has nothing else to do, so it keeps trying to deliver its results. */
export const DELIVERY_RETRY: RetryPolicy = {
  totalMs: ATTEMPT_SECONDS.delivery * 1000,
  firstDelayMs: 500,
  longestDelayMs: 30_000
};
const TIMEOUT_MS = 300_000;

interface DeliveryOptions {
  readonly retryPolicy?: RetryPolicy;
  readonly signal?: AbortSignal;
}

/**
 * Uploads the sealed objects and then the result that names them, which ends the attempt. Every step can be repeated:
 * objects are named by digest, and delivering the same result twice has no further effect.
 *
 * @throws CleanRoomError `conflict` and other codes of a refusal, `unavailable`
 */
export async function deliverResult(
  channel: JobChannel,
  addresses: TransferAddresses,
  objects: readonly SealedOutput[],
  result: JobResult,
  { retryPolicy = DELIVERY_RETRY, signal }: DeliveryOptions = {}
): Promise<void> {
  for (const object of objects) {
    const upload = new ObjectUpload(addresses, object, { retryPolicy, ...(signal && { signal }) });
    await retryTransient(
      retryPolicy,
      () => upload.continue(),
      cause => new CleanRoomError('unavailable', 'The results could not be delivered in time.', { cause }),
      signal
    );
  }
  await channel.post('/results', result, { retryPolicy, timeoutMs: TIMEOUT_MS, ...(signal && { signal }) });
}
