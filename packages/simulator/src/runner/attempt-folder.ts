import { randomUUID } from 'node:crypto';
import { link, mkdir, open, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Type, type Static, type TSchema } from 'typebox';
import { Value } from 'typebox/value';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { removeTree } from '../container/remove-tree.js';

const Text = Type.String();
const Process = Type.Object({ pid: Type.Integer(), startTime: Text, bootId: Text });

/** What an attempt is to do. Written once. */
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

/** Why an attempt is over. The program's own word on how it went is what it posted; this is the machine's. */
export const END_REASONS = [
  'finished', // the program ended by itself
  'stopped', // somebody asked for it
  'time-limit',
  'launch-refused', // the image's labels do not allow such a launch
  'image-refused', // not the image that was named, or not one that can be unpacked
  'backend-unavailable', // a tool or mechanism is missing
  'lost', // the runner was killed, or the machine went down
  'failed'
] as const;
export type AttemptEndReason = (typeof END_REASONS)[number];

export const AttemptState = Type.Object({
  phase: Type.Union([Type.Literal('starting'), Type.Literal('running'), Type.Literal('ended')]),
  container: Type.Optional(Process),
  startedAt: Type.Optional(Text),
  endedAt: Type.Optional(Text),
  exitCode: Type.Optional(Type.Integer()),
  reason: Type.Optional(Type.Enum(END_REASONS)),
  message: Type.Optional(Text),
  remedy: Type.Optional(Text)
});
export type AttemptState = Static<typeof AttemptState>;

export const Claim = Process;
export type Claim = Static<typeof Claim>;

const ATTEMPT_ID = /^[A-Za-z0-9][A-Za-z0-9_-]{0,127}$/;
const REQUEST = 'request.json';
const CLAIM = 'claim.json';
const STATE = 'state.json';
const STOP = 'stop';
/** Everything that the container writes to. */
const SCRATCH = 'scratch';
const LAUNCHER = 'launcher';

/** The folder that is an attempt's memory: whoever finds it after a crash knows what was asked, who runs it, and how far. */
export class AttemptFolder {
  constructor(
    stateDir: string,
    readonly attemptId: string
  ) {
    if (!ATTEMPT_ID.test(attemptId)) {
      throw new CleanRoomError('malformed', 'An attempt’s id has 1 to 128 letters, digits, - and _.');
    }
    this.path = join(stateDir, attemptId);
  }

  readonly path: string;

  get scratch(): string {
    return join(this.path, SCRATCH);
  }

  get launcher(): string {
    return join(this.path, LAUNCHER);
  }

  /** Makes the folder with its request, whole or not at all. @returns false when the attempt is known already */
  async create(request: AttemptRequest, stateDir: string): Promise<boolean> {
    await mkdir(stateDir, { recursive: true, mode: 0o700 });
    const draft = join(stateDir, `.draft-${randomUUID()}`);
    await mkdir(draft, { mode: 0o700 });
    try {
      await writeDurably(join(draft, REQUEST), request);
      await rename(draft, this.path);
      return true;
    } catch (error) {
      await rm(draft, { recursive: true, force: true });
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOTEMPTY' || code === 'EEXIST') return false;
      throw error;
    }
  }

  request(): Promise<AttemptRequest | undefined> {
    return read(join(this.path, REQUEST), AttemptRequest);
  }

  /**
   * Takes the attempt for one process, once and for ever: an attempt whose process is gone is lost, and never begun
   * again. @returns false when somebody has it
   */
  async claim(process: Claim): Promise<boolean> {
    const draft = join(this.path, `${CLAIM}.${randomUUID()}`);
    await writeDurably(draft, process);
    try {
      await link(draft, join(this.path, CLAIM));
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
      throw error;
    } finally {
      await rm(draft, { force: true });
    }
  }

  claimant(): Promise<Claim | undefined> {
    return read(join(this.path, CLAIM), Claim);
  }

  async state(): Promise<AttemptState> {
    return (await read(join(this.path, STATE), AttemptState)) ?? { phase: 'starting' };
  }

  async setState(state: AttemptState): Promise<void> {
    const draft = join(this.path, `${STATE}.${randomUUID()}`);
    await writeDurably(draft, state);
    await rename(draft, join(this.path, STATE));
  }

  async askToStop(): Promise<void> {
    await writeFile(join(this.path, STOP), '');
  }

  async isAskedToStop(): Promise<boolean> {
    return readFile(join(this.path, STOP)).then(
      () => true,
      () => false
    );
  }

  /** Removes what the container wrote, and the launcher's folder. Logs that the image allowed stay. */
  async removeLeftovers(): Promise<void> {
    for (const name of ['stdout.log', 'stderr.log']) {
      await rename(join(this.scratch, name), join(this.path, name)).catch(() => undefined);
    }
    await removeTree(this.scratch);
    await removeTree(this.launcher);
  }

  async remove(): Promise<void> {
    await removeTree(this.path);
  }
}

export async function attemptIds(stateDir: string): Promise<string[]> {
  const names = await readdir(stateDir).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  });
  return names.filter(name => ATTEMPT_ID.test(name)).sort();
}

async function writeDurably(path: string, value: unknown): Promise<void> {
  const file = await open(path, 'wx', 0o600);
  try {
    await file.writeFile(JSON.stringify(value));
    await file.sync();
  } finally {
    await file.close();
  }
}

async function read<S extends TSchema>(path: string, schema: S): Promise<Static<S> | undefined> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  const value: unknown = JSON.parse(text);
  if (!Value.Check(schema, value))
    throw new CleanRoomError('malformed', `${path} is not of the expected form.`);
  return value;
}
