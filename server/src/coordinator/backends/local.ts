import type { AttemptStatus } from '@clean-room/simulator';
import { availableParallelism, totalmem } from 'node:os';
import path from 'node:path';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { JOB_VARIABLE } from '@clean-room/protocol/jobs';
import type { TeeBackend, TeeEnd, TeeStatus } from './backend.js';

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

const REASONS: Readonly<Record<NonNullable<AttemptStatus['reason']>, TeeEnd>> = {
  finished: 'finished',
  stopped: 'stopped',
  'time-limit': 'stopped',
  'launch-refused': 'launcher-failed',
  'image-refused': 'launcher-failed',
  'backend-unavailable': 'boot-failed',
  lost: 'lost',
  failed: 'lost'
};

function teeStatusOf(status: AttemptStatus | undefined): TeeStatus {
  if (status === undefined) return { state: 'unknown' };
  if (status.phase !== 'ended') return { state: status.phase };
  const detail = [status.message, status.remedy].filter(text => text !== undefined).join(' ');
  return {
    state: 'ended',
    reason: REASONS[status.reason ?? 'failed'],
    ...(detail === '' ? {} : { detail })
  };
}

/** The size that a machine has at least in the catalogue, so that the demo runs on any laptop: nothing is reserved. */
const LEAST = { processors: 2, memoryBytes: 4 * 1024 ** 3 };

/**
 * Opens a backend that simulates TEEs on this machine. It runs the same image in a container with the restrictions of
 * Confidential Space and with simulated attestation tokens. A separate runner process per TEE continues when this process ends.
 * Processors, memory and disk are those of this machine, and are not reserved.
 *
 * @param layout - OCI layout folder that images are published to
 * @param folder - folder for the simulator's identity, its attempts and unpacked layers
 * @throws CleanRoomError `backend-unavailable` when the simulator is not installed
 */
export async function openLocalBackend(layout: string, folder: string): Promise<TeeBackend> {
  const simulator = await loadSimulator();
  const stateDir = path.join(folder, 'attempts');
  const status = async (attempt: string): Promise<TeeStatus> =>
    teeStatusOf(await simulator.findAttempt(stateDir, attempt));
  const { root } = await simulator.openIdentity(path.join(folder, 'identity'));
  return {
    sealedFor: 'simulation',
    roots: [root],
    capabilities: {
      tees: ['SIMULATED'],
      shapes: [
        {
          tee: 'SIMULATED',
          name: 'this machine',
          processors: Math.max(LEAST.processors, availableParallelism()),
          memoryBytes: Math.max(LEAST.memoryBytes, totalmem())
        }
      ]
    },
    start: async ({ attempt, image, job, deadlineSeconds }) => {
      await simulator.startAttempt({
        attemptId: attempt,
        stateDir,
        layout,
        imageDigest: image,
        env: { [JOB_VARIABLE]: job },
        limits: { wallSeconds: deadlineSeconds },
        identityDir: path.join(folder, 'identity'),
        cacheDir: path.join(folder, 'cache')
      });
      return status(attempt);
    },
    statuses: async attempts =>
      new Map(await Promise.all(attempts.map(async attempt => [attempt, await status(attempt)] as const))),
    stop: async attempt => {
      await simulator.stopAttempt(stateDir, attempt);
    },
    list: async () =>
      (await simulator.listAttempts(stateDir))
        .filter(({ phase }) => phase !== 'ended')
        .map(({ attemptId }) => attemptId),
    machineOf: async attempt => {
      const { projectId, zone, instanceName } = simulator.machineOf(attempt);
      return { projectId, zone, instanceName };
    }
  };
}
