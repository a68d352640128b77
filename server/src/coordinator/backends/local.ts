import { CleanRoomError } from '@clean-room/protocol/errors';
import type { AttemptPlan, AttemptSight, TeeBackend } from './backend.js';

/** What the simulator offers; loaded at run time alone, so that no build of a production server holds it. */
interface Simulator {
  startAttempt(plan: AttemptPlan & { readonly images: string; readonly folder: string }): Promise<void>;
  findAttempt(folder: string, attempt: string): Promise<AttemptSight>;
  stopAttempt(folder: string, attempt: string): Promise<void>;
}

/**
 * TEEs of this machine: the very image, in a container held as Confidential Space holds it, with simulated tokens.
 * @param images the OCI layout folder that images are published to
 * @param folder where runners keep what outlives this process
 * @throws CleanRoomError `backend-unavailable` when the simulator is not installed
 */
export async function openLocalBackend(images: string, folder: string): Promise<TeeBackend> {
  const name = '@clean-room/simulator';
  let simulator: Simulator;
  try {
    simulator = (await import(name)) as Simulator;
  } catch (cause) {
    throw new CleanRoomError('backend-unavailable', 'The simulator is not installed.', {
      remedy: 'Install @clean-room/simulator, or name another backend.',
      cause
    });
  }
  return {
    sealedFor: 'simulation',
    start: plan => simulator.startAttempt({ ...plan, images, folder }),
    find: attempt => simulator.findAttempt(folder, attempt),
    stop: attempt => simulator.stopAttempt(folder, attempt)
  };
}
