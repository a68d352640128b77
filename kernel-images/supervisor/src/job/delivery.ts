import type { RetryPolicy } from '@clean-room/node-support';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { ATTEMPT_SECONDS, type JobResult } from '@clean-room/protocol/jobs';
import type { SealedOutput } from '@clean-room/protocol/sealing';
import { exchangeBytes } from '../network/exchange.js';
import { retryTransient } from '../network/retry.js';
import type { JobChannel } from './channel.js';
import { requestTransfer } from './transfer.js';

/** A finished run has nothing else to do, so it keeps trying to deliver its results. */
export const DELIVERY_RETRY: RetryPolicy = {
  totalMs: ATTEMPT_SECONDS.delivery * 1000,
  firstDelayMs: 500,
  longestDelayMs: 30_000
};
const TIMEOUT_MS = 300_000;
const ACCEPTED = [200, 201, 204];

interface DeliveryOptions {
  readonly retryPolicy?: RetryPolicy;
  readonly signal?: AbortSignal;
}

/** Uploads one object. Each try asks for a new address, because an address is valid for minutes only. */
async function upload(
  channel: JobChannel,
  { digest, bytes }: SealedOutput,
  retryPolicy: RetryPolicy,
  signal?: AbortSignal
): Promise<void> {
  await retryTransient(
    retryPolicy,
    async () => {
      const request = { direction: 'upload', digest, bytes: bytes.length } as const;
      const { url, headers } = await requestTransfer(channel, request, {
        retryPolicy,
        ...(signal && { signal })
      });
      const { 'content-type': type = 'application/octet-stream', ...others } = headers;
      return exchangeBytes(
        {
          method: 'PUT',
          url,
          headers: others,
          body: { bytes, type },
          limit: 65_536,
          timeoutMs: TIMEOUT_MS,
          ...(signal && { signal })
        },
        ACCEPTED
      );
    },
    cause => new CleanRoomError('unavailable', 'The results could not be delivered in time.', { cause }),
    signal
  );
}

/**
 * Uploads the sealed objects and then the result that names them, which ends the attempt. Every step can be repeated:
 * objects are named by digest, and delivering the same result twice has no further effect.
 *
 * @throws CleanRoomError `conflict` and other codes of a refusal, `unavailable`
 */
export async function deliverResult(
  channel: JobChannel,
  objects: readonly SealedOutput[],
  result: JobResult,
  { retryPolicy = DELIVERY_RETRY, signal }: DeliveryOptions = {}
): Promise<void> {
  for (const object of objects) await upload(channel, object, retryPolicy, signal);
  await channel.post('/results', result, { retryPolicy, timeoutMs: TIMEOUT_MS, ...(signal && { signal }) });
}
