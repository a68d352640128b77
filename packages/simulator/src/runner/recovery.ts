import { setTimeout as pause } from 'node:timers/promises';
import type { AttemptFolder, AttemptState, AttemptEndReason } from './attempt-folder.js';
import { isAlive, signal } from './process-identity.js';

const MESSAGES: Readonly<Partial<Record<AttemptEndReason, string>>> = {
  lost: 'The runner ended before its program did.',
  failed: 'The runner could not be started.'
};

/** The state as it is now: where the runner is gone without a word, its attempt is ended in its place. */
export async function settled(folder: AttemptFolder): Promise<AttemptState> {
  // The claimant first: a runner that ends in between has written its last state by then.
  const runner = await folder.claimant();
  const gone = runner !== undefined && !isAlive(runner);
  const state = await folder.state();
  if (state.phase === 'ended' || !gone) return state;
  if (state.container !== undefined) {
    signal(state.container, 'SIGKILL');
    while (isAlive(state.container)) await pause(10);
  }
  return end(folder, (await folder.isAskedToStop()) ? 'stopped' : 'lost', state);
}

/** Writes the end in the place of a runner that can't, and clears what is left. */
export async function end(
  folder: AttemptFolder,
  reason: AttemptEndReason,
  before?: AttemptState
): Promise<AttemptState> {
  await folder.removeLeftovers();
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
