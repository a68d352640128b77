/**
 * The program in the jail: the only one that loads DuckDB and parses the files of a provider. It gets one job as the first
 * line of standard input, writes Parquet to standard output, and one message to descriptor 3.
 */
import { writeSync } from 'node:fs';
import { PassThrough } from 'node:stream';
import { SourceFailure } from '../../source/failure.js';
import type { Job, Message } from '../messages.js';
import { conform } from './conform.js';
import { inspect } from './inspect.js';

const MESSAGES = 3;
const LINE_FEED = 10;

/** Reads the job, and returns the rest of standard input as a stream. */
async function readJob(): Promise<{ job: Job; rest: PassThrough }> {
  const rest = new PassThrough({ highWaterMark: 4 * 1024 * 1024 });
  const parts: Buffer[] = [];
  return new Promise((resolve, reject) => {
    let found = false;
    process.stdin.on('data', (chunk: Buffer) => {
      if (found) {
        if (!rest.write(chunk)) {
          process.stdin.pause();
          rest.once('drain', () => process.stdin.resume());
        }
        return;
      }
      const end = chunk.indexOf(LINE_FEED);
      parts.push(end === -1 ? chunk : chunk.subarray(0, end));
      if (end === -1) return;
      found = true;
      rest.write(chunk.subarray(end + 1));
      resolve({ job: JSON.parse(Buffer.concat(parts).toString('utf8')) as Job, rest });
    });
    process.stdin.on('end', () => {
      rest.end();
      if (!found) reject(new Error('There is no job.'));
    });
  });
}

function failureOf(error: unknown): Message {
  if (error instanceof SourceFailure) return { type: 'failed', message: error.message, remedy: error.remedy };
  const text = error instanceof Error ? error.message : String(error);
  if (/out of memory/i.test(text))
    return {
      type: 'failed',
      message: 'The table needs more memory than the limit of the reader.',
      remedy: 'Split it into several files, or shorten its longest values.'
    };
  return {
    type: 'failed',
    message: `The database could not read the table: ${text.slice(0, 1500)}`,
    remedy: 'Check the dialect, or save the data as UTF-8 CSV or as Parquet.'
  };
}

function send(message: Message): void {
  const bytes = Buffer.from(`${JSON.stringify(message)}\n`);
  for (let sent = 0; sent < bytes.length;) {
    try {
      sent += writeSync(MESSAGES, bytes, sent);
    } catch (error) {
      // The pipe is full until the parent reads.
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
    }
  }
}

try {
  const { job, rest } = await readJob();
  const message: Message =
    job.job === 'inspect' ? { type: 'inspected', facts: await inspect(job) } : await conform(job, () => rest);
  send(message);
  // Open pipes would keep the process running.
  process.stdout.end(() => process.exit(message.type === 'nonconforming' ? 1 : 0));
} catch (error) {
  send(failureOf(error));
  process.exit(1);
}
