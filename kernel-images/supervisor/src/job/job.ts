import { checkSchema, parseStrictJson } from '@clean-room/protocol/documents';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { JOB_VARIABLE, JobDocument, isJobAddress } from '@clean-room/protocol/jobs';
import { exchangeBytes } from '../network/exchange.js';
import { retry, type RetryPolicy } from '../network/retry.js';

const MAXIMUM_JOB = 64 * 1024 ** 2;
const TIMEOUT_MS = 60_000;
const PATIENCE: RetryPolicy = { totalMs: 300_000, firstDelayMs: 250, longestDelayMs: 15_000 };

/** The job's address from the one variable that an operator may set. Only its form is believed. */
export function jobAddress(environment: Readonly<Record<string, string | undefined>>): string {
  const address = environment[JOB_VARIABLE];
  if (address === undefined || !isJobAddress(address)) {
    throw new CleanRoomError('malformed', `${JOB_VARIABLE} does not hold the address of a job.`);
  }
  return address;
}

/** Fetches the job document and checks its form; nothing in it is believed yet. */
export async function fetchJob(address: string, signal?: AbortSignal): Promise<JobDocument> {
  const { bytes } = await retry(
    PATIENCE,
    () =>
      exchangeBytes({
        method: 'GET',
        url: address,
        limit: MAXIMUM_JOB,
        timeoutMs: TIMEOUT_MS,
        ...(signal === undefined ? {} : { signal })
      }),
    cause => new CleanRoomError('unavailable', 'The job could not be fetched in time.', { cause }),
    signal
  );
  return checkSchema(JobDocument, parseStrictJson(bytes), 'job');
}
