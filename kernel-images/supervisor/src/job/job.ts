import type { RetryPolicy } from '@clean-room/node-support';
import { checkSchema, parseStrictJson } from '@clean-room/protocol/documents';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { JOB_VARIABLE, JobDocument, isJobAddress } from '@clean-room/protocol/jobs';
import { exchangeBytes } from '../network/exchange.js';
import { retryTransient } from '../network/retry.js';

const MAX_JOB_BYTES = 64 * 1024 ** 2;
const TIMEOUT_MS = 60_000;
const JOB_RETRY: RetryPolicy = { totalMs: 300_000, firstDelayMs: 250, longestDelayMs: 15_000 };

/**
 * Returns the job's address from the one environment variable that the operator may set. Only its form is checked.
 *
 * @throws CleanRoomError `malformed`
 */
export function jobAddress(environment: Readonly<Record<string, string | undefined>>): string {
  const address = environment[JOB_VARIABLE];
  if (address === undefined || !isJobAddress(address)) {
    throw new CleanRoomError('malformed', `${JOB_VARIABLE} is not the address of a job.`);
  }
  return address;
}

/**
 * Fetches the job document and checks its form. Its content is not trusted before `verifyJob`.
 *
 * @throws CleanRoomError `malformed`, `not-found`, `unavailable`
 */
export async function fetchJob(address: string, signal?: AbortSignal): Promise<JobDocument> {
  const { bytes } = await retryTransient(
    JOB_RETRY,
    () =>
      exchangeBytes({
        method: 'GET',
        url: address,
        limit: MAX_JOB_BYTES,
        timeoutMs: TIMEOUT_MS,
        ...(signal === undefined ? {} : { signal })
      }),
    cause => new CleanRoomError('unavailable', 'The job could not be fetched in time.', { cause }),
    signal
  );
  return checkSchema(JobDocument, parseStrictJson(bytes), 'job');
}
