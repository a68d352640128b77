import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { CleanRoomError, isCleanRoomError, type ErrorCode } from '@clean-room/protocol/errors';
import type { JobDocument } from '@clean-room/protocol/jobs';
import { clearInputs } from './assets/jail-inputs.js';
import { fetchJob, jobAddress } from './job/job.js';
import { ProgressReporter } from './job/progress.js';
import { runAttempt } from './run/run.js';
import { kernelImagePaths } from './run/sandbox.js';
import { clearWritable } from './run/workspace.js';

/**
 * Time in which a run that was told to stop ends its sandbox and empties the jail, and time in which the reason is then reported.
 * Cloud providers switch a machine off by force 30 seconds after they asked it to stop, or later.
 */
const STOP_STEP_MS = 2000;

/** Returns the only information that leaves the TEE about a stopped run: a code of the closed list of errors. */
function errorCode(error: unknown): ErrorCode {
  return isCleanRoomError(error) ? error.code : 'internal';
}

/**
 * Returns a signal that is aborted when the machine is about to be switched off: the launcher passes the power button on as
 * SIGTERM, and a provider that takes a machine back presses the button.
 */
function machineStops(): AbortSignal {
  const stopping = new AbortController();
  const reason = new CleanRoomError('preempted', 'The machine is being switched off.');
  for (const name of ['SIGTERM', 'SIGINT'] as const) process.on(name, () => stopping.abort(reason));
  return stopping.signal;
}

/**
 * Waits for the attempt. When the machine stops and the attempt does not end soon, the data is removed from the jail without it,
 * and the process then ends in the middle of the attempt.
 *
 * @throws the error of the attempt, or the reason of `signal` if the machine stops first
 */
async function endWithMachine(attempt: Promise<void>, jail: string, signal: AbortSignal): Promise<void> {
  const tooLate = once(signal, 'abort').then(() => delay(STOP_STEP_MS, true));
  if ((await Promise.race([attempt, tooLate])) !== true) return;
  const emptied = Promise.allSettled([clearInputs(jail), clearWritable(jail)]);
  await Promise.race([emptied, delay(STOP_STEP_MS)]);
  signal.throwIfAborted();
}

/**
 * Runs one attempt as the first process of the container.
 *
 * @returns the exit code: 0 when the result was delivered; 1 when the run stopped, and no output left the TEE
 */
async function main(): Promise<number> {
  const signal = machineStops();
  let address: string;
  try {
    address = jobAddress(process.env);
  } catch {
    return 1;
  }
  // The usual progress address of a job, until the job document has been fetched and names its own.
  let progress = new ProgressReporter(`${address}/progress`);
  const fetch = async (): Promise<JobDocument> => {
    const job = await fetchJob(address, signal);
    progress = new ProgressReporter(job.progress);
    return job;
  };
  try {
    const paths = await kernelImagePaths();
    signal.throwIfAborted();
    const attempt = runAttempt({ paths, fetchJob: fetch, report: update => progress.report(update), signal });
    await endWithMachine(attempt, paths.jail, signal);
    await progress.close();
    return 0;
  } catch (error) {
    if (signal.aborted) await Promise.race([progress.stopped('preempted', 1), delay(STOP_STEP_MS)]);
    else await progress.stopped(errorCode(error));
    return 1;
  }
}

// Nothing may be written to standard output or standard error, because the operator can read both.
process.removeAllListeners('warning');
process.on('uncaughtException', () => process.exit(1));
process.on('unhandledRejection', () => process.exit(1));
process.exit(await main());
