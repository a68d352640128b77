import { spawn } from 'node:child_process';
import { access } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
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
import { end, settled } from './recovery.js';

export interface StartAttemptOptions {
  /** 1 to 128 of `A-Za-z0-9_-`, the first a letter or digit. One attempt is started once, however often this is called. */
  readonly attemptId: string;
  /** Where attempts keep their folders; private to the user, on a local file system that is no overlayfs. */
  readonly stateDir: string;
  /** OCI image layout folder that holds the image. */
  readonly layout: string;
  readonly imageDigest: string;
  /** As the token will quote it; the digest under a made-up name when absent. */
  readonly imageReference?: string;
  /** What the operator sets; the image's labels must allow it. */
  readonly env: Readonly<Record<string, string>>;
  /** Up to 20 days. */
  readonly limits: { readonly wallSeconds: number };
  /** The simulator's identity; made there when it is not. */
  readonly identityDir: string;
  /** Unpacked layers, shared by all attempts. Beside `stateDir` when absent. */
  readonly cacheDir?: string;
  /** For debugging: keep the program's output in the attempt's folder. Fails unless the image's labels allow it. */
  readonly logRedirect?: boolean;
}

export interface AttemptStatus {
  readonly attemptId: string;
  readonly phase: AttemptState['phase'];
  readonly startedAt?: string;
  readonly endedAt?: string;
  /** Of the program, when it ended by itself; 128 + n for signal n. */
  readonly exitCode?: number;
  /** Present exactly when ended. */
  readonly reason?: AttemptEndReason;
  /** For people: what happened, and what to do. */
  readonly message?: string;
  readonly remedy?: string;
}

export interface AttemptHandle {
  readonly attemptId: string;
  status(): Promise<AttemptStatus>;
  /** Resolves with the last status. @param signal stops the waiting, not the attempt */
  ended(signal?: AbortSignal): Promise<AttemptStatus>;
  stop(): Promise<AttemptStatus>;
}

const RUNNER = fileURLToPath(new URL('../../bin/runner.js', import.meta.url));
const POLL_MS = 100;
const STOP_PATIENCE_MS = 10_000;

/**
 * Starts an attempt in a process of its own that needs nobody: it outlives whoever called. Calling again with the same
 * id takes the attempt up, whatever became of it; it is never begun a second time.
 *
 * @throws CleanRoomError `backend-unavailable` when a tool is missing, `malformed`; nothing is kept then
 */
export async function startAttempt(order: StartAttemptOptions): Promise<AttemptHandle> {
  const stateDir = resolve(order.stateDir);
  const folder = new AttemptFolder(stateDir, order.attemptId);
  if (!(await exists(folder.path))) {
    const request = requestOf(order, stateDir);
    await requireTools();
    await folder.create(request, stateDir);
  }
  if ((await folder.claimant()) === undefined) spawnRunner(folder, join(stateDir, '.compiled'));
  return handleOf(stateDir, order.attemptId);
}

/** Checked here, where there is somebody to tell: a runner that can't read its request could only vanish. */
function requestOf(order: StartAttemptOptions, stateDir: string): AttemptRequest {
  const imageDigest = asDigest(order.imageDigest);
  const request = {
    attemptId: order.attemptId,
    imageDigest,
    imageReference: order.imageReference ?? `simulator.invalid/image@${imageDigest}`,
    layout: resolve(order.layout),
    identityDir: resolve(order.identityDir),
    cacheDir: resolve(order.cacheDir ?? join(stateDir, '.cache')),
    env: { ...order.env },
    limits: { wallSeconds: order.limits.wallSeconds },
    logRedirect: order.logRedirect ?? false
  };
  if (!Value.Check(AttemptRequest, request)) {
    throw new CleanRoomError(
      'malformed',
      'The attempt’s environment or limits are not of the expected form.'
    );
  }
  return request;
}

/** Starts nothing. @returns undefined for an id that was never started */
export async function findAttempt(stateDir: string, attemptId: string): Promise<AttemptStatus | undefined> {
  const folder = new AttemptFolder(stateDir, attemptId);
  if (!(await exists(folder.path))) return undefined;
  return statusOf(folder, await settled(folder));
}

/** All attempts that have a folder, in the order of their ids. */
export async function listAttempts(stateDir: string): Promise<AttemptStatus[]> {
  const found: AttemptStatus[] = [];
  for (const id of await attemptIds(stateDir)) {
    const status = await findAttempt(stateDir, id);
    if (status !== undefined) found.push(status);
  }
  return found;
}

/**
 * Ends an attempt and everything in its container. One that has not begun never will.
 * @throws CleanRoomError `not-found`
 */
export async function stopAttempt(stateDir: string, attemptId: string): Promise<AttemptStatus> {
  const folder = await known(stateDir, attemptId);
  await folder.askToStop();
  if (await folder.claim(ownIdentity())) await end(folder, 'stopped');
  const deadline = Date.now() + STOP_PATIENCE_MS;
  for (;;) {
    const state = await settled(folder);
    if (state.phase === 'ended') return statusOf(folder, state);
    const runner = await folder.claimant();
    if (runner !== undefined) signal(runner, Date.now() < deadline ? 'SIGTERM' : 'SIGKILL');
    await pause(POLL_MS);
  }
}

/**
 * Removes the folder of an attempt that has ended.
 * @throws CleanRoomError `not-found`, `conflict` while it runs
 */
export async function forgetAttempt(stateDir: string, attemptId: string): Promise<void> {
  const folder = await known(stateDir, attemptId);
  if ((await settled(folder)).phase !== 'ended') {
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
        await pause(POLL_MS, undefined, abort === undefined ? {} : { signal: abort });
      }
    }
  };
}

/** In a session of its own, with nothing of this process: no descriptor, no environment, no folder. */
function spawnRunner(folder: AttemptFolder, compileCache: string): void {
  const runner = spawn(process.execPath, [RUNNER, folder.path], {
    detached: true,
    stdio: 'ignore',
    cwd: '/',
    env: { PATH: TOOL_PATH, NODE_COMPILE_CACHE: compileCache }
  });
  const notStarted = () => {
    void folder.claim(ownIdentity()).then(
      ours => (ours ? end(folder, 'failed') : undefined),
      () => undefined
    );
  };
  runner.once('error', notStarted);
  runner.once('exit', notStarted);
  runner.unref();
}

function statusOf({ attemptId }: AttemptFolder, state: AttemptState): AttemptStatus {
  const status: AttemptStatus & { container?: unknown } = { attemptId, ...state };
  delete status.container;
  return status;
}

async function known(stateDir: string, attemptId: string): Promise<AttemptFolder> {
  const folder = new AttemptFolder(stateDir, attemptId);
  if (!(await exists(folder.path))) throw notFound(attemptId);
  return folder;
}

function notFound(attemptId: string): CleanRoomError {
  return new CleanRoomError('not-found', `There is no attempt ${attemptId}.`);
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false
  );
}
