import { setTimeout as delay } from 'node:timers/promises';
import type { Command } from 'commander';
import { CleanRoomError } from '@clean-room/protocol/errors';
import type { Home } from './home/home.js';
import type { CommandResult } from './terminal/result.js';
import type { Terminal } from './terminal/terminal.js';

const POLL_MILLISECONDS = 1000;

/** The services that every command uses. */
export interface CommandContext {
  readonly terminal: Terminal;
  readonly home: Home;
}

/** Turns the work of a command into a commander action: arguments and options are passed on, and the result is printed. */
export type Act = <A extends readonly unknown[]>(
  work: (context: CommandContext, ...args: A) => Promise<CommandResult>
) => (...args: A) => Promise<void>;

/** Adds one command to the program. */
export type Register = (program: Command, act: Act) => void;

/**
 * Calls `poll` once a second until it returns something. When the user stops waiting, everything else continues.
 * @throws CleanRoomError `unavailable` when the user stops the command
 */
export async function waitFor<T>(terminal: Terminal, poll: () => Promise<T | undefined>): Promise<T> {
  for (;;) {
    const found = await poll();
    if (found !== undefined) return found;
    if (terminal.stopped.aborted) {
      throw new CleanRoomError('unavailable', 'You stopped waiting. Nothing else was stopped.', {
        remedy: 'Run "clean-room runs" to see the state later.'
      });
    }
    await delay(POLL_MILLISECONDS, undefined, { signal: terminal.stopped }).catch(() => undefined);
  }
}
