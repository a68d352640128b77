import { createInterface } from 'node:readline/promises';
import { buffer } from 'node:stream/consumers';
import type { Terminal } from './terminal.js';

async function ask(question: string): Promise<string | undefined> {
  if (!process.stdin.isTTY) return undefined;
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return await lines.question(question);
  } finally {
    lines.close();
  }
}

/** This process's own terminal. A second Ctrl-C ends it at once. */
export function processTerminal(): Terminal {
  const stop = new AbortController();
  // Who reads our lines may stop reading (`clean-room runs | head`): there is nothing left to say then.
  process.stdout.on('error', error => {
    if ((error as NodeJS.ErrnoException).code === 'EPIPE') process.exit(0);
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
