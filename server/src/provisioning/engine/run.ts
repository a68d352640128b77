import { execFile, type ChildProcess } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { checkSchema } from '@clean-room/protocol/documents';
import { CleanRoomError, isCleanRoomError } from '@clean-room/protocol/errors';
import { jailFailure, startInJail } from './jail.js';
import { Message, type Job } from './messages.js';

const run = promisify(execFile);
const MAX_MESSAGE_BYTES = 256 * 1024 * 1024;
const MAX_ERROR_BYTES = 16 * 1024;
const WATCH_MS = 100;
const MEGABYTE = 1024 * 1024;

/** The limits of one job. */
export interface JobLimits {
  /** Resident memory of the process. */
  readonly memoryBytes: number;
  readonly seconds: number;
}

/** Limits that tables of any size need: the memory does not grow with the table. */
export const DEFAULT_LIMITS: JobLimits = { memoryBytes: 2048 * MEGABYTE, seconds: 24 * 3600 };
/** The memory of DuckDB itself. Expressions and the text that is read need more. */
export const DATABASE_MEMORY = '600MB';

/** A job that is running. */
export interface RunningJob {
  /** The bytes that it writes. They count only when `message` is resolved. */
  readonly output: Readable;
  /** Input for a job that reads from a stream. */
  readonly input: NodeJS.WritableStream;
  /** The job's one message, when it has ended successfully. */
  readonly message: Promise<Message>;
  /** The largest memory so far, in bytes. */
  peakBytes(): number;
  stop(): void;
}

/** Collects the first `limit` bytes of a stream as text, and reads the rest without keeping it. */
async function collect(stream: Readable, limit: number, exceeded: () => void): Promise<string> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of stream as AsyncIterable<Buffer>) {
    length += part.length;
    if (length > limit) exceeded();
    else parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}

/** Returns the largest resident memory of a process so far, or 0 when it has ended. */
async function peakOf(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  return Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) * 1024;
}

/** Watches the memory and the time of a process, and kills it above a limit. */
class Watch {
  peak = 0;
  exceeded: 'memory' | 'time' | undefined;
  readonly #timer: NodeJS.Timeout;
  #pid: number | undefined;

  constructor(child: ChildProcess, { memoryBytes, seconds }: JobLimits) {
    const end = Date.now() + seconds * 1000;
    const kill = (reason: 'memory' | 'time'): void => {
      this.exceeded = reason;
      child.kill('SIGKILL');
    };
    (child.stdio[4] as Readable).on('data', (part: Buffer) => {
      const pid = /"child-pid":\s*(\d+)/.exec(part.toString('utf8'))?.[1];
      if (pid !== undefined) this.#pid = Number(pid);
    });
    this.#timer = setInterval(() => {
      if (Date.now() > end) kill('time');
      if (this.#pid === undefined) return;
      void peakOf(this.#pid).then(peak => {
        this.peak = Math.max(this.peak, peak);
        if (this.peak > memoryBytes) kill('memory');
      });
    }, WATCH_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}

function parseMessage(text: string): Message | undefined {
  if (text.trim() === '') return undefined;
  try {
    return checkSchema(Message, JSON.parse(text) as unknown, 'message of the reader of tables');
  } catch (cause) {
    throw new CleanRoomError(
      'internal',
      'The reader of tables gave an answer that is not valid. Nothing was published.',
      {
        remedy: 'The file may be made to attack the reader. Check where it comes from.',
        cause: isCleanRoomError(cause) ? undefined : cause
      }
    );
  }
}

function endedEarly(exceeded: Watch['exceeded'], errors: string): CleanRoomError {
  if (exceeded === 'memory')
    return new CleanRoomError(
      'too-large',
      'Reading the table needed more memory than its limit. Nothing was published.',
      {
        remedy: 'Split the table into several files, or save it as Parquet.'
      }
    );
  if (exceeded === 'time')
    return new CleanRoomError(
      'too-large',
      'Reading the table took longer than its limit. Nothing was published.',
      {
        remedy: 'Split the table into several files, or save it as Parquet.'
      }
    );
  if (errors.includes('bwrap:')) return jailFailure(errors.slice(errors.indexOf('bwrap:')));
  return new CleanRoomError('malformed', 'The reader of tables ended unexpectedly. Nothing was published.', {
    remedy: 'The file may be damaged. Save it again, as UTF-8 CSV or as Parquet.',
    cause: new Error(errors)
  });
}

/**
 * Runs one job in a jailed process of its own.
 *
 * @param inputs - absolute paths of the files, in the order of the job
 * @param program - another program than the reader, for tests of the jail
 */
export async function startJob(
  job: Job,
  inputs: readonly string[],
  limits: JobLimits = DEFAULT_LIMITS,
  program?: string
): Promise<RunningJob> {
  const pipes = await mkdtemp(path.join(tmpdir(), 'clean-room-pipes-'));
  const remove = (): Promise<void> => rm(pipes, { recursive: true, force: true });
  let child: ChildProcess;
  try {
    await run('mkfifo', ['-m', '600', path.join(pipes, 'in'), path.join(pipes, 'out')]);
    child = await startInJail({ inputs, pipes, ...(program === undefined ? {} : { program }) });
  } catch (error) {
    await remove();
    throw error;
  }
  const { stdin, stdout, stderr } = child;
  if (stdin === null || stdout === null || stderr === null) throw new Error('The process has no pipes.');
  const watch = new Watch(child, limits);
  const stop = (): void => void child.kill('SIGKILL');
  // The process may end before it has read everything. Its message tells why.
  stdin.on('error', () => undefined);
  stdin.write(`${JSON.stringify(job)}\n`);
  const ended = new Promise<number | null>(resolve => child.once('close', resolve));
  const messages = collect(child.stdio[3] as Readable, MAX_MESSAGE_BYTES, stop);
  const errors = collect(stderr, MAX_ERROR_BYTES, () => undefined);
  const message = (async (): Promise<Message> => {
    try {
      const [text, problems, code] = await Promise.all([messages, errors, ended]);
      const parsed = watch.exceeded === undefined ? parseMessage(text) : undefined;
      const failed = parsed?.type === 'failed' || parsed?.type === 'nonconforming';
      if (parsed !== undefined && (failed || code === 0)) return parsed;
      throw endedEarly(watch.exceeded, problems);
    } finally {
      watch.stop();
      await remove();
    }
  })();
  // The caller awaits the message after the output. A failure before that is not unhandled.
  message.catch(() => undefined);
  return { output: stdout, input: stdin, message, peakBytes: () => watch.peak, stop };
}
