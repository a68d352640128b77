import type { Command } from 'commander';
import type { Home } from './home/index.js';
import type { Answer, Terminal } from './terminal/index.js';

/** What every command is given. */
export interface Context {
  readonly terminal: Terminal;
  readonly home: Home;
}

/** Wraps a command's work for commander: arguments and options come as it parsed them, the answer is printed. */
export type Act = <A extends readonly unknown[]>(
  work: (context: Context, ...args: A) => Promise<Answer>
) => (...args: A) => Promise<void>;

/** Adds one command to the program. */
export type Register = (program: Command, act: Act) => void;
