import { spawn } from 'node:child_process';
import { Duplex, type Readable, type Writable } from 'node:stream';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { runArguments, type WardenOptions } from './arguments.js';
import { parseStatus, type WardenEnd, type WardenSetupFailed, type WardenStarted } from './status.js';

/** How the warden ended. `lost`: it died without a report, and the remaining processes of the sandbox were killed. */
export type WardenOutcome = WardenEnd | { readonly type: 'lost' };

const MAX_STATUS_CHARACTERS = 64 * 1024;

/** Steps that fail on machines where ordinary users cannot create user namespaces. */
const NAMESPACE_STEPS: readonly string[] = [
  'unshare',
  'setgroups deny',
  'uid map',
  'gid map',
  'private mounts'
];

function setupFailed(failed: WardenSetupFailed): CleanRoomError {
  return new CleanRoomError(
    'sandbox-unsafe',
    `The sandbox could not be set up: the step "${failed.what}" failed. Nothing has run.`,
    {
      remedy: NAMESPACE_STEPS.includes(failed.what)
        ? 'Allow ordinary users of this machine to create user namespaces, or run the clean room as root in a container.'
        : 'Run the clean room in an environment in which the supervisor can set up all of its protections.',
      details: { step: failed.what, errno: failed.errno }
    }
  );
}

function duplex(stream: unknown): Duplex {
  if (stream instanceof Duplex) return stream;
  throw new CleanRoomError(
    'internal',
    'A pipe to the sandbox is missing. This is an error in the clean room software.'
  );
}

/**
 * A running warden and the four pipes of the command in its sandbox. `ended` settles when no process of the sandbox is
 * alive. The rest of the pipes can still be read then.
 */
export class WardenProcess {
  /** Rejects with `sandbox-unsafe` when a step of the setup failed; nothing has run then. */
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
    // Without a listener, an error of a pipe would end this process. `ended` reports that the other end is closed.
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
    let incomplete = '';
    const readLine = (line: string): void => {
      const report = parseStatus(line);
      if (report.type === 'started') started.resolve(report);
      else if (report.type === 'setup-failed') started.reject(setupFailed(report));
      else end = report;
    };
    const statusPipe = duplex(status);
    const statusRead = new Promise<void>(resolve => statusPipe.once('close', resolve));
    statusPipe.setEncoding('utf8');
    statusPipe.on('error', () => undefined);
    statusPipe.on('data', (text: string) => {
      const lines = (incomplete + text).split('\n');
      incomplete = (lines.pop() ?? '').slice(0, MAX_STATUS_CHARACTERS);
      try {
        lines.forEach(readLine);
      } catch (error) {
        started.reject(error);
        this.kill();
      }
    });
    const reportEnd = async (): Promise<void> => {
      await statusRead;
      started.reject(
        new CleanRoomError(
          'sandbox-unsafe',
          'The warden of the sandbox ended before it had set up the sandbox. Nothing has run.'
        )
      );
      if (end === undefined) await sweep(options);
      ended.resolve(end ?? { type: 'lost' });
    };
    child.once('exit', () => void reportEnd().catch((error: unknown) => ended.reject(error)));
    child.once('error', cause => {
      const error = new CleanRoomError(
        'sandbox-unsafe',
        'The warden of the sandbox could not be started. Nothing has run.',
        {
          cause
        }
      );
      started.reject(error);
      ended.reject(error);
    });
  }

  /** Sends SIGINT to the session of the command. */
  interrupt(): void {
    this.#control.write('I');
  }

  /** Kills all processes of the sandbox. `ended` settles when they have ended. */
  kill(): void {
    this.#control.write('K');
  }
}

/**
 * Kills the processes of a sandbox whose warden has died. This is not necessary in `nested-namespace`: its first
 * process dies with the warden, and all other processes die with that first process.
 */
async function sweep(options: WardenOptions): Promise<void> {
  if (options.mode === 'nested-namespace') return;
  const parameters = ['sweep', '--uid', String(options.uid), '--killer-uid', String(options.killerUid)];
  const code = await new Promise<number | null>((resolve, reject) => {
    spawn(options.wardenPath, parameters, { env: {}, stdio: 'ignore' })
      .once('exit', resolve)
      .once('error', reject);
  });
  if (code !== 0)
    throw new CleanRoomError(
      'sandbox-unsafe',
      'The remaining processes of the sandbox could not be killed. Restart the machine before you start another run.'
    );
}
