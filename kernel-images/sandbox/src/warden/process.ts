import { spawn } from 'node:child_process';
import { Duplex, type Readable, type Writable } from 'node:stream';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { runArguments, type WardenOptions } from './arguments.js';
import { parseStatus, type WardenEnd, type WardenSetupFailed, type WardenStarted } from './status.js';

/** `lost`: the warden went without a word; what it left behind has been killed. */
export type WardenOutcome = WardenEnd | { readonly type: 'lost' };

const MAX_STATUS_CHARACTERS = 64 * 1024;

/** Steps that fail where a machine keeps ordinary users from making user namespaces. */
const NAMESPACE_STEPS: readonly string[] = [
  'unshare',
  'setgroups deny',
  'uid map',
  'gid map',
  'private mounts'
];

function refusal(failed: WardenSetupFailed): CleanRoomError {
  return new CleanRoomError(
    'sandbox-unsafe',
    `The sandbox could not be set up: the step "${failed.what}" failed. Nothing was run.`,
    {
      remedy: NAMESPACE_STEPS.includes(failed.what)
        ? 'This machine does not let ordinary users make user namespaces. Allow them, or run as root in a container.'
        : 'Run the clean room in an environment that lets the supervisor set up all of its protections.',
      details: { step: failed.what, errno: failed.errno }
    }
  );
}

function duplex(stream: unknown): Duplex {
  if (stream instanceof Duplex) return stream;
  throw new CleanRoomError('internal', 'A pipe to the sandbox is missing.');
}

/**
 * A running warden and the four pipes of the command it holds. `ended` settles when no process of the sandbox is alive;
 * what is then still in the pipes can be read to its end.
 */
export class WardenProcess {
  /** Rejects with `sandbox-unsafe` when a step of the setup failed: then nothing was run. */
  readonly started: Promise<WardenStarted>;
  readonly ended: Promise<WardenOutcome>;
  readonly requests: Writable;
  readonly frames: Readable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  readonly #control: Writable;

  constructor(options: WardenOptions) {
    const child = spawn(options.wardenPath, runArguments(options), {
      env: {},
      stdio: ['ignore', 'pipe', 'pipe', 'pipe', 'pipe', 'pipe', 'pipe']
    });
    const [, stdout, stderr, requests, frames, status, control] = child.stdio.map(stream =>
      stream === null ? undefined : duplex(stream)
    );
    this.stdout = duplex(stdout);
    this.stderr = duplex(stderr);
    this.requests = duplex(requests);
    this.frames = duplex(frames);
    this.#control = duplex(control);
    // a pipe whose other end is gone is told by `ended`, not by an error of its own
    for (const pipe of [this.requests, this.frames, this.stdout, this.stderr, this.#control]) {
      pipe.on('error', () => undefined);
    }
    const started = Promise.withResolvers<WardenStarted>();
    const ended = Promise.withResolvers<WardenOutcome>();
    this.started = started.promise;
    this.ended = ended.promise;
    this.started.catch(() => undefined);
    this.ended.catch(() => undefined);

    let end: WardenEnd | undefined;
    let rest = '';
    const readLine = (line: string): void => {
      const word = parseStatus(line);
      if (word.type === 'started') started.resolve(word);
      else if (word.type === 'setup-failed') started.reject(refusal(word));
      else end = word;
    };
    const statusPipe = duplex(status);
    const statusRead = new Promise<void>(resolve => statusPipe.once('close', resolve));
    statusPipe.setEncoding('utf8');
    statusPipe.on('error', () => undefined);
    statusPipe.on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = (lines.pop() ?? '').slice(0, MAX_STATUS_CHARACTERS);
      try {
        lines.forEach(readLine);
      } catch (error) {
        started.reject(error);
        this.kill();
      }
    });
    const gone = async (): Promise<void> => {
      await statusRead;
      started.reject(
        new CleanRoomError('sandbox-unsafe', 'The warden of the sandbox ended before it had set anything up.')
      );
      if (end === undefined) await sweep(options);
      ended.resolve(end ?? { type: 'lost' });
    };
    child.once('exit', () => void gone().catch((error: unknown) => ended.reject(error)));
    child.once('error', cause => {
      const error = new CleanRoomError('sandbox-unsafe', 'The warden of the sandbox could not be started.', {
        cause
      });
      started.reject(error);
      ended.reject(error);
    });
  }

  /** Sends SIGINT to the command's session. */
  interrupt(): void {
    this.#control.write('I');
  }

  /** Kills everything; `ended` tells when it is done. */
  kill(): void {
    this.#control.write('K');
  }
}

/** In namespaces everything dies with its first process, and that one with the warden: nothing is left to sweep. */
async function sweep(options: WardenOptions): Promise<void> {
  if (options.mode === 'nested-namespace') return;
  const words = ['sweep', '--uid', String(options.uid), '--killer-uid', String(options.killerUid)];
  const code = await new Promise<number | null>((resolve, reject) => {
    spawn(options.wardenPath, words, { env: {}, stdio: 'ignore' })
      .once('exit', resolve)
      .once('error', reject);
  });
  if (code !== 0)
    throw new CleanRoomError('sandbox-unsafe', 'What the sandbox left behind could not be ended.');
}
