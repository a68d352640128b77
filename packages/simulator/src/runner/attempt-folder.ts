import { randomUUID } from 'node:crypto';
import { link, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Type, type Static, type TSchema } from 'typebox';
import { Value } from 'typebox/value';
import { exists, isMissing, systemErrorCode, writeFileAtomic } from '@clean-room/node-support';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { removeTree } from '../container/remove-tree.js';
import { scratchFolder, socketFolder } from '../launcher/launcher.js';
import type { ProcessIdentity } from './process-identity.js';

const Text = Type.String();
/** A `ProcessIdentity`. */
const Process = Type.Object({ pid: Type.Integer(), startTime: Text, bootId: Text });

/** The request for an attempt. It is written once and never changes. */
export const AttemptRequest = Type.Object({
  attemptId: Text,
  imageDigest: Type.String({ pattern: '^sha256:[0-9a-f]{64}$' }),
  imageReference: Text,
  layout: Text,
  identityDir: Text,
  cacheDir: Text,
  env: Type.Record(Type.String(), Text),
  limits: Type.Object({ wallSeconds: Type.Number({ exclusiveMinimum: 0, maximum: 20 * 86_400 }) }),
  logRedirect: Type.Boolean()
});
export type AttemptRequest = Static<typeof AttemptRequest>;

/** The reasons why an attempt ended, from the view of the machine. Whether the program had a result is not known here. */
export const END_REASONS = [
  'finished', // the program ended by itself
  'stopped', // a stop was requested
  'time-limit',
  'launch-refused', // the image's labels do not allow the requested settings
  'image-refused', // the image is missing, damaged or cannot be unpacked
  'backend-unavailable', // a tool or mechanism is missing
  'lost', // the runner was killed, or the machine stopped
  'failed'
] as const;
export type AttemptEndReason = (typeof END_REASONS)[number];

/** The state of an attempt, which only its owner writes. */
export const AttemptState = Type.Object({
  phase: Type.Union([Type.Literal('starting'), Type.Literal('running'), Type.Literal('ended')]),
  container: Type.Optional(Process),
  startedAt: Type.Optional(Text),
  endedAt: Type.Optional(Text),
  succeeded: Type.Optional(Type.Boolean()),
  reason: Type.Optional(Type.Enum(END_REASONS)),
  message: Type.Optional(Text),
  remedy: Type.Optional(Text)
});
export type AttemptState = Static<typeof AttemptState>;

const ATTEMPT_ID = /^[A-Za-z0-9][A-Za-z0-9_-]{0,127}$/;
const REQUEST = 'request.json';
const CLAIM = 'claim.json';
const STATE = 'state.json';
const STOP = 'stop';

/** The folder that records the request, the owner and the state of an attempt, so that any process can continue after a crash. */
export class AttemptFolder {
  constructor(
    stateDir: string,
    readonly attemptId: string
  ) {
    if (!ATTEMPT_ID.test(attemptId)) {
      throw new CleanRoomError(
        'malformed',
        'The id of an attempt must have 1 to 128 letters, digits, - and _, and begin with a letter or digit.'
      );
    }
    this.path = join(stateDir, attemptId);
  }

  readonly path: string;

  /**
   * Creates the folder together with its request.
   *
   * @returns false if the attempt already has a folder
   */
  async create(request: AttemptRequest, stateDir: string): Promise<boolean> {
    await mkdir(stateDir, { recursive: true, mode: 0o700 });
    const draft = join(stateDir, `.draft-${randomUUID()}`);
    await mkdir(draft, { mode: 0o700 });
    try {
      await writeFileAtomic(join(draft, REQUEST), JSON.stringify(request));
      await rename(draft, this.path);
      return true;
    } catch (error) {
      await rm(draft, { recursive: true, force: true });
      const code = systemErrorCode(error);
      if (code === 'ENOTEMPTY' || code === 'EEXIST') return false;
      throw error;
    }
  }

  /** Returns the request, or undefined if the folder has none. */
  request(): Promise<AttemptRequest | undefined> {
    return read(join(this.path, REQUEST), AttemptRequest);
  }

  /**
   * Makes a process the owner of the attempt, permanently: if the owner ends early, the attempt is lost and is never started
   * again.
   *
   * @returns false if the attempt already has an owner
   */
  async claim(process: ProcessIdentity): Promise<boolean> {
    const draft = join(this.path, `${CLAIM}.${randomUUID()}`);
    await writeFileAtomic(draft, JSON.stringify(process));
    try {
      await link(draft, join(this.path, CLAIM));
      return true;
    } catch (error) {
      if (systemErrorCode(error) === 'EEXIST') return false;
      throw error;
    } finally {
      await rm(draft, { force: true });
    }
  }

  /** Returns the process that owns the attempt, if there is one. */
  owner(): Promise<ProcessIdentity | undefined> {
    return read(join(this.path, CLAIM), Process);
  }

  /** Returns the last recorded state. */
  async state(): Promise<AttemptState> {
    return (await read(join(this.path, STATE), AttemptState)) ?? { phase: 'starting' };
  }

  /** Records a state. */
  async setState(state: AttemptState): Promise<void> {
    await writeFileAtomic(join(this.path, STATE), JSON.stringify(state));
  }

  /** Records that the attempt should stop, for a runner that has just started. */
  async requestStop(): Promise<void> {
    await writeFile(join(this.path, STOP), '');
  }

  /** Returns whether a stop was requested. */
  isStopRequested(): Promise<boolean> {
    return exists(join(this.path, STOP));
  }

  /** Removes the container's files and the launcher's folder. The program's output is kept if it was redirected. */
  async removeTemporaryFiles(): Promise<void> {
    for (const name of ['stdout.log', 'stderr.log']) {
      await rename(join(scratchFolder(this.path), name), join(this.path, name)).catch(() => undefined);
    }
    await removeTree(scratchFolder(this.path));
    await removeTree(socketFolder(this.path));
  }

  /** Removes the folder. */
  async remove(): Promise<void> {
    await removeTree(this.path);
  }
}

/** Returns the ids of all attempts with a folder in `stateDir`, sorted. */
export async function attemptIds(stateDir: string): Promise<string[]> {
  const names = await readdir(stateDir).catch((error: unknown) => {
    if (isMissing(error)) return [];
    throw error;
  });
  return names.filter(name => ATTEMPT_ID.test(name)).sort();
}

/** Reads a JSON file, or returns undefined if it does not exist. */
async function read<S extends TSchema>(path: string, schema: S): Promise<Static<S> | undefined> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
  const value: unknown = JSON.parse(text);
  if (!Value.Check(schema, value)) throw new CleanRoomError('malformed', `The file ${path} is not valid.`);
  return value;
}
