import type { Command } from 'commander';
import type { Home } from './home/home.js';
import type { CommandResult } from './terminal/answer.js';
import type { Terminal } from './terminal/terminal.js';

/** What every command is given. */
export interface CommandContext {
  readonly terminal: Terminal;
  readonly home: Home;
}

/** Wraps a command's work for commander: arguments and options come as it parsed them, the answer is printed. */
export type Act = <A extends readonly unknown[]>(
  work: (context: CommandContext, ...args: A) => Promise<CommandResult>
) => (...args: A) => Promise<void>;

/** Adds one command to the program. */
export type Register = (program: Command, act: Act) => void;
