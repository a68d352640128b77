import { spawn } from 'node:child_process';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { exists } from '@clean-room/node-support';
import { asDigest } from '@clean-room/protocol/bytes';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { Value } from 'typebox/value';
import { requireTools, TOOL_PATH } from '../container/tools.js';
import {
  AttemptFolder,
  attemptIds,
  AttemptRequest,
  type AttemptState,
  type AttemptEndReason
} from './attempt-folder.js';
import { ownIdentity, signal } from './process-identity.js';
import { currentState, recordEnd } from './recovery.js';

/** The input of `startAttempt`. */
export interface StartAttemptOptions {
  /** 1 to 128 characters of `A-Za-z0-9_-`, the first a letter or digit. An attempt with the same id is started only once. */
  readonly attemptId: string;
  /** The folder of all attempts. It must be private to the user, on a local file system other than overlayfs. */
  readonly stateDir: string;
  /** The OCI image layout folder that contains the image. */
  readonly layout: string;
  readonly imageDigest: string;
  /** The reference of the image in tokens. By default, a placeholder name with the digest. */
  readonly imageReference?: string;
  /** The variables that the operator sets. The image's labels must allow them. */
  readonly env: Readonly<Record<string, string>>;
  /** The time limit, up to 20 days. */
  readonly limits: { readonly wallSeconds: number };
  /** The folder of the simulator's identity, which is created if it does not exist. */
  readonly identityDir: string;
  /** The folder of unpacked layers, which all attempts share. A folder in `stateDir` by default. */
  readonly cacheDir?: string;
  /** Whether to write the program's output to the attempt's folder, for debugging. The image's labels must allow it. */
  readonly logRedirect?: boolean;
}

/** The status of an attempt. */
export interface AttemptStatus {
  readonly attemptId: string;
  readonly phase: AttemptState['phase'];
  readonly startedAt?: string;
  readonly endedAt?: string;
  /** Whether the program returned 0, if it ended by itself. As from a real launcher, its exit code is not known. */
  readonly succeeded?: boolean;
  /** Present only if the attempt has ended. */
  readonly reason?: AttemptEndReason;
  /** A message to people, with what to do in `remedy`. */
  readonly message?: string;
  readonly remedy?: string;
}

/** A started attempt. */
export interface AttemptHandle {
  readonly attemptId: string;
  status(): Promise<AttemptStatus>;
  /**
   * Waits until the attempt has ended and returns its last status.
   *
   * @param signal - stops waiting, but does not stop the attempt
   */
  ended(signal?: AbortSignal): Promise<AttemptStatus>;
  stop(): Promise<AttemptStatus>;
}

const RUNNER = fileURLToPath(new URL('../../bin/runner.js', import.meta.url));
const POLL_MS = 100;
/** After this time, a runner that does not react to SIGTERM is killed. */
const STOP_TIMEOUT_MS = 10_000;

/**
 * Starts an attempt in a separate process, which continues if this process ends. If an attempt with the same id exists, in any
 * state, a handle to it is returned and nothing is started.
 *
 * @throws CleanRoomError `backend-unavailable` if a tool is missing, `malformed`; nothing is stored then
 */
export async function startAttempt(options: StartAttemptOptions): Promise<AttemptHandle> {
  const stateDir = resolve(options.stateDir);
  const folder = new AttemptFolder(stateDir, options.attemptId);
  if (!(await exists(folder.path))) {
    const request = requestOf(options, stateDir);
    await requireTools();
    await folder.create(request, stateDir);
  }
  if ((await folder.owner()) === undefined) spawnRunner(folder, join(stateDir, '.compiled'));
  return handleOf(stateDir, options.attemptId);
}

/** Returns a valid request. It is checked here because a runner with an invalid request could not report the error. */
function requestOf(options: StartAttemptOptions, stateDir: string): AttemptRequest {
  const imageDigest = asDigest(options.imageDigest);
  const request = {
    attemptId: options.attemptId,
    imageDigest,
    imageReference: options.imageReference ?? `simulator.invalid/image@${imageDigest}`,
    layout: resolve(options.layout),
    identityDir: resolve(options.identityDir),
    cacheDir: resolve(options.cacheDir ?? join(stateDir, '.cache')),
    env: { ...options.env },
    limits: { wallSeconds: options.limits.wallSeconds },
    logRedirect: options.logRedirect ?? false
  };
  if (!Value.Check(AttemptRequest, request)) {
    throw new CleanRoomError('malformed', 'The environment or the limits of the attempt are not valid.');
  }
  return request;
}

/** Returns the status of an attempt, or undefined if the id is unknown. */
export async function findAttempt(stateDir: string, attemptId: string): Promise<AttemptStatus | undefined> {
  const folder = new AttemptFolder(stateDir, attemptId);
  if (!(await exists(folder.path))) return undefined;
  return statusOf(folder, await currentState(folder));
}

/** Returns the status of all attempts in `stateDir`, sorted by id. */
export async function listAttempts(stateDir: string): Promise<AttemptStatus[]> {
  const found: AttemptStatus[] = [];
  for (const id of await attemptIds(stateDir)) {
    const status = await findAttempt(stateDir, id);
    if (status !== undefined) found.push(status);
  }
  return found;
}

/**
 * Ends an attempt with everything in its container. An attempt that has not started yet will never start.
 *
 * @throws CleanRoomError `not-found`
 */
export async function stopAttempt(stateDir: string, attemptId: string): Promise<AttemptStatus> {
  const folder = await existingFolder(stateDir, attemptId);
  await folder.requestStop();
  if (await folder.claim(ownIdentity())) await recordEnd(folder, 'stopped');
  const deadline = Date.now() + STOP_TIMEOUT_MS;
  for (;;) {
    const state = await currentState(folder);
    if (state.phase === 'ended') return statusOf(folder, state);
    const runner = await folder.owner();
    if (runner !== undefined) signal(runner, Date.now() < deadline ? 'SIGTERM' : 'SIGKILL');
    await delay(POLL_MS);
  }
}

/**
 * Removes the folder of an attempt that has ended.
 *
 * @throws CleanRoomError `not-found`, `conflict` if the attempt has not ended
 */
export async function forgetAttempt(stateDir: string, attemptId: string): Promise<void> {
  const folder = await existingFolder(stateDir, attemptId);
  if ((await currentState(folder)).phase !== 'ended') {
    throw new CleanRoomError('conflict', `Attempt ${attemptId} has not ended yet.`, {
      remedy: 'Stop it first.'
    });
  }
  await folder.remove();
}

function handleOf(stateDir: string, attemptId: string): AttemptHandle {
  const status = async () => {
    const found = await findAttempt(stateDir, attemptId);
    if (found === undefined) throw notFound(attemptId);
    return found;
  };
  return {
    attemptId,
    status,
    stop: () => stopAttempt(stateDir, attemptId),
    async ended(abort) {
      for (;;) {
        const found = await status();
        if (found.phase === 'ended') return found;
        await delay(POLL_MS, undefined, abort === undefined ? {} : { signal: abort });
      }
    }
  };
}

/** Starts the runner in a new session. It inherits no descriptors, no environment and no working directory. */
function spawnRunner(folder: AttemptFolder, compileCache: string): void {
  const runner = spawn(process.execPath, [RUNNER, folder.path], {
    detached: true,
    stdio: 'ignore',
    cwd: '/',
    env: { PATH: TOOL_PATH, NODE_COMPILE_CACHE: compileCache }
  });
  const recordIfNotStarted = () => {
    void folder.claim(ownIdentity()).then(
      isOurs => (isOurs ? recordEnd(folder, 'failed') : undefined),
      () => undefined
    );
  };
  runner.once('error', recordIfNotStarted);
  runner.once('exit', recordIfNotStarted);
  runner.unref();
}

function statusOf({ attemptId }: AttemptFolder, state: AttemptState): AttemptStatus {
  const status: AttemptStatus & { container?: unknown } = { attemptId, ...state };
  delete status.container;
  return status;
}

/** @throws CleanRoomError `not-found` */
async function existingFolder(stateDir: string, attemptId: string): Promise<AttemptFolder> {
  const folder = new AttemptFolder(stateDir, attemptId);
  if (!(await exists(folder.path))) throw notFound(attemptId);
  return folder;
}

function notFound(attemptId: string): CleanRoomError {
  return new CleanRoomError('not-found', `The attempt ${attemptId} does not exist.`);
}
