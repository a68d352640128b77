import { isCleanRoomError, type ErrorCode } from '@clean-room/protocol/errors';
import { generateAttemptKey } from '@clean-room/protocol/key-release';
import { launcherAt } from './attestation/launcher.js';
import { ProgressReporter } from './job/progress.js';
import { jobAddress, registerAttempt } from './job/register.js';
import { runAttempt } from './run/run.js';
import { kernelImagePaths } from './run/sandbox.js';

/** Returns the only information that leaves the TEE about a stopped run: a code of the closed list of errors. */
function errorCode(error: unknown): ErrorCode {
  return isCleanRoomError(error) ? error.code : 'internal';
}

/**
 * Runs one attempt as the first process of the container. An attempt that cannot register ends without a message: the coordinator
 * then sees only that the machine has ended.
 *
 * @returns the exit code: 0 when the result was delivered; 1 when the run stopped, and no output left the TEE
 */
async function main(): Promise<number> {
  const stopping = new AbortController();
  const { signal } = stopping;
  for (const name of ['SIGTERM', 'SIGINT'] as const) process.on(name, () => stopping.abort());
  const paths = await kernelImagePaths();
  const launcher = launcherAt(paths.launcherSocket);
  const key = await generateAttemptKey();
  const channel = await registerAttempt(jobAddress(process.env), key, launcher, signal);
  const progress = new ProgressReporter(channel);
  try {
    await runAttempt({ paths, key, launcher, channel, report: update => progress.report(update), signal });
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
process.exit(await main().catch(() => 1));
