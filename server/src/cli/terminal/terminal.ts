import { createInterface } from 'node:readline/promises';
import { buffer } from 'node:stream/consumers';
import { systemErrorCode } from '@clean-room/node-support';

/** The environment of the command. Tests replace it. */
export interface Terminal {
  /** Prints one line of the result to standard output. */
  print(line: string): void;
  /** Prints one line about progress or a problem to standard error. */
  remark(line: string): void;
  /** Reads all of standard input. */
  readInput(): Promise<Uint8Array>;
  /** Asks the user a question. Returns undefined when the command does not run in an interactive terminal. */
  ask(question: string): Promise<string | undefined>;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The current folder. */
  readonly folder: string;
  now(): Date;
  /** A signal that is aborted when the user stops the command. */
  readonly stopped: AbortSignal;
}

async function ask(question: string): Promise<string | undefined> {
  if (!process.stdin.isTTY) return undefined;
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return await lines.question(question);
  } finally {
    lines.close();
  }
}

/** Returns the terminal of this process. The first Ctrl-C aborts `stopped`, the second one ends the process. */
export function processTerminal(): Terminal {
  const stop = new AbortController();
  // The reader of our output may close it early (`clean-room runs | head`). There is then nothing left to print.
  process.stdout.on('error', error => {
    if (systemErrorCode(error) === 'EPIPE') process.exit(0);
    throw error;
  });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());
  return {
    print: line => void process.stdout.write(`${line}\n`),
    remark: line => void process.stderr.write(`${line}\n`),
    readInput: async () => new Uint8Array(await buffer(process.stdin)),
    ask,
    env: process.env,
    folder: process.cwd(),
    now: () => new Date(),
    stopped: stop.signal
  };
}
