import { setTimeout as pause } from 'node:timers/promises';
import { CleanRoomError } from '@clean-room/protocol/errors';
import type { Terminal } from '../terminal/terminal.js';

const LOOK_MILLISECONDS = 1000;

/**
 * Looks again and again until `look` has an answer. Nothing hangs on the waiting: what was asked for goes on without it.
 * @throws CleanRoomError `unavailable` when the person asks to stop
 */
export async function waitFor<T>(terminal: Terminal, look: () => Promise<T | undefined>): Promise<T> {
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (terminal.stopped.aborted) {
      throw new CleanRoomError('unavailable', 'You stopped waiting; nothing else was stopped.', {
        remedy: 'Look again with "clean-room runs".'
      });
    }
    await pause(LOOK_MILLISECONDS, undefined, { signal: terminal.stopped }).catch(() => undefined);
  }
}
