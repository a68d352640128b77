import type { AttemptStatus } from '@clean-room/simulator';
import path from 'node:path';
import { CleanRoomError, isCleanRoomError } from '@clean-room/protocol/errors';
import { JOB_VARIABLE } from '@clean-room/protocol/jobs';
import type { TeeStatus, TeeBackend } from './backend.js';

/** Loaded at run time alone, so that no production server holds the simulator. */
async function loadSimulator() {
  try {
    return await import('@clean-room/simulator');
  } catch (cause) {
    throw new CleanRoomError('backend-unavailable', 'The simulator is not installed.', {
      remedy: 'Install @clean-room/simulator, or name another backend.',
      cause
    });
  }
}

function sightOf(status: AttemptStatus | undefined): TeeStatus {
  if (status === undefined) return { state: 'unknown' };
  if (status.phase !== 'ended') return { state: 'running' };
  const detail = [status.message, status.remedy].filter(text => text !== undefined).join(' ');
  return {
    state: 'ended',
    code: status.reason === 'backend-unavailable' ? 'backend-unavailable' : 'run-failed',
    ...(detail === '' ? {} : { detail })
  };
}

/**
 * TEEs of this machine: the very image, in a container held as Confidential Space holds it, with simulated tokens. Each has
 * a runner of its own that outlives this process.
 * @param layout the OCI layout folder that images are published to
 * @param folder where the simulator keeps its identity, its attempts and unpacked layers
 * @throws CleanRoomError `backend-unavailable` when the simulator is not installed
 */
export async function openLocalBackend(layout: string, folder: string): Promise<TeeBackend> {
  const simulator = await loadSimulator();
  const stateDir = path.join(folder, 'attempts');
  return {
    sealedFor: 'simulation',
    start: async ({ attempt, image, job, wallSeconds }) => {
      await simulator.startAttempt({
        attemptId: attempt,
        stateDir,
        layout,
        imageDigest: image,
        env: { [JOB_VARIABLE]: job },
        limits: { wallSeconds },
        identityDir: path.join(folder, 'identity'),
        cacheDir: path.join(folder, 'cache')
      });
    },
    status: async attempt => sightOf(await simulator.findAttempt(stateDir, attempt)),
    stop: async attempt => {
      try {
        await simulator.stopAttempt(stateDir, attempt);
      } catch (error) {
        if (!isCleanRoomError(error, 'not-found')) throw error;
      }
    }
  };
}
