import type { AttemptStatus } from '@clean-room/simulator';
import path from 'node:path';
import { CleanRoomError, isCleanRoomError } from '@clean-room/protocol/errors';
import { JOB_VARIABLE } from '@clean-room/protocol/jobs';
import type { TeeStatus, TeeBackend } from './backend.js';

/** Loads the simulator when it is needed, so that it is not part of a production server. */
async function loadSimulator() {
  try {
    return await import('@clean-room/simulator');
  } catch (cause) {
    throw new CleanRoomError('backend-unavailable', 'The simulator is not installed.', {
      remedy: 'Install @clean-room/simulator, or configure another backend.',
      cause
    });
  }
}

function teeStatusOf(status: AttemptStatus | undefined): TeeStatus {
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
 * Opens a backend that simulates TEEs on this machine. It runs the same image in a container with the restrictions of
 * Confidential Space and with simulated attestation tokens. A separate runner process per TEE continues when this process ends.
 *
 * @param layout - OCI layout folder that images are published to
 * @param folder - folder for the simulator's identity, its attempts and unpacked layers
 * @throws CleanRoomError `backend-unavailable` when the simulator is not installed
 */
export async function openLocalBackend(layout: string, folder: string): Promise<TeeBackend> {
  const simulator = await loadSimulator();
  const stateDir = path.join(folder, 'attempts');
  const { root } = await simulator.openIdentity(path.join(folder, 'identity'));
  return {
    sealedFor: 'simulation',
    roots: [root],
    machineOf: attempt => Promise.resolve(simulator.machineOf(attempt)),
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
    status: async attempt => teeStatusOf(await simulator.findAttempt(stateDir, attempt)),
    stop: async attempt => {
      try {
        await simulator.stopAttempt(stateDir, attempt);
      } catch (error) {
        if (!isCleanRoomError(error, 'not-found')) throw error;
      }
    }
  };
}
