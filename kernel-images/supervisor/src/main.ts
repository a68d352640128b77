import { nodeEd25519 } from '@clean-room/node-support';
import { useEd25519 } from '@clean-room/protocol/documents';
import { isCleanRoomError, type ErrorCode } from '@clean-room/protocol/errors';
import type { JobDocument } from '@clean-room/protocol/jobs';
import { fetchJob, jobAddress } from './job/job.js';
import { ProgressReporter } from './job/progress.js';
import { kernelImagePaths } from './run/paths.js';
import { runAttempt } from './run/run.js';

/** All that anyone learns of a run that stops: one of the closed error codes. */
function reasonOf(error: unknown): ErrorCode {
  return isCleanRoomError(error) ? error.code : 'internal';
}

/** The first process of the container. Exit code 0: the result is delivered; 1: the run stopped, and nothing left. */
async function main(): Promise<number> {
  const stopping = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => stopping.abort());
  let address: string;
  try {
    address = jobAddress(process.env);
  } catch {
    return 1;
  }
  // Until the job says where to report, there is the place where jobs have it.
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
    await progress.stopped(reasonOf(error));
    return 1;
  }
}

// Nothing is ever written to standard output or standard error: the operator may read both.
process.removeAllListeners('warning');
process.on('uncaughtException', () => process.exit(1));
process.on('unhandledRejection', () => process.exit(1));
useEd25519(nodeEd25519);
process.exit(await main());
