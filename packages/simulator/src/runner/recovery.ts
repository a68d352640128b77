import { setTimeout as delay } from 'node:timers/promises';
import type { AttemptFolder, AttemptState, AttemptEndReason } from './attempt-folder.js';
import { isAlive, signal } from './process-identity.js';

const MESSAGES: Readonly<Partial<Record<AttemptEndReason, string>>> = {
  lost: 'The runner ended before its program did.',
  failed: 'The runner could not be started.'
};

/** Returns the state of an attempt. If its runner ended without recording the end, the end is recorded first. */
export async function currentState(folder: AttemptFolder): Promise<AttemptState> {
  // The owner is read first: if the runner ends after that, it has recorded its last state before the state is read.
  const runner = await folder.owner();
  const isGone = runner !== undefined && !isAlive(runner);
  const state = await folder.state();
  if (state.phase === 'ended' || !isGone) return state;
  if (state.container !== undefined) {
    signal(state.container, 'SIGKILL');
    while (isAlive(state.container)) await delay(10);
  }
  return recordEnd(folder, (await folder.isStopRequested()) ? 'stopped' : 'lost', state);
}

/** Records the end of an attempt whose runner cannot do it, and removes its temporary files. */
export async function recordEnd(
  folder: AttemptFolder,
  reason: AttemptEndReason,
  before?: AttemptState
): Promise<AttemptState> {
  await folder.removeTemporaryFiles();
  const { startedAt } = before ?? {};
  const state: AttemptState = {
    phase: 'ended',
    reason,
    endedAt: new Date().toISOString(),
    ...(startedAt === undefined ? {} : { startedAt }),
    ...(MESSAGES[reason] === undefined ? {} : { message: MESSAGES[reason] })
  };
  await folder.setState(state);
  return state;
}
