import { isCleanRoomError, type ErrorCode } from '@clean-room/protocol/errors';
import type { JobDocument } from '@clean-room/protocol/jobs';
import { fetchJob, jobAddress } from './job/job.js';
import { ProgressReporter } from './job/progress.js';
import { runAttempt } from './run/run.js';
import { kernelImagePaths } from './run/sandbox.js';

/** Returns the only information that leaves the TEE about a stopped run: a code of the closed list of errors. */
function errorCode(error: unknown): ErrorCode {
  return isCleanRoomError(error) ? error.code : 'internal';
}

/**
 * Runs one attempt as the first process of the container.
 *
 * @returns the exit code: 0 when the result was delivered; 1 when the run stopped, and no output left the TEE
 */
async function main(): Promise<number> {
  const stopping = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => stopping.abort());
  let address: string;
  try {
    address = jobAddress(process.env);
  } catch {
    return 1;
  }
  // The usual progress address of a job, until the job document has been fetched and names its own.
  let progress = new ProgressReporter(`${address}/progress`);
  const fetch = async (): Promise<JobDocument> => {
    const job = await fetchJob(address, stopping.signal);
    progress = new ProgressReporter(job.progress);
    return job;
  };
  try {
    await runAttempt({
      paths: await kernelImagePaths(),
      fetchJob: fetch,
      report: update => progress.report(update),
      signal: stopping.signal
    });
    await progress.close();
    return 0;
  } catch (error) {
    await progress.stopped(errorCode(error));
    return 1;
  }
}

// Nothing may be written to standard output or standard error, because the operator can read both.
process.removeAllListeners('warning');
process.on('uncaughtException', () => process.exit(1));
process.on('unhandledRejection', () => process.exit(1));
process.exit(await main());
