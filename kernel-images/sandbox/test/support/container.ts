import { spawn } from 'node:child_process';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { SandboxProfile } from '../../src/warden/arguments.js';
import { WRITABLE_FOLDERS, type SandboxLimits } from '../../src/warden/limits.js';
import { emulate } from './emulation.js';
import { CACHE, SANDBOX_USER } from './paths.js';
import type { Answer, DecodeAnswer, NotebookAnswer, ProbeAnswer, Request } from './requests.js';
import { stage } from './stage.js';

export const LIMITS: SandboxLimits = {
  memoryBytes: 2 * 1024 ** 3,
  diskBytes: 256 * 1024 ** 2,
  inodes: 4000,
  processes: 200,
  openFiles: 1024,
  wallSeconds: 60,
  cellSeconds: 30,
  outputBytesPerCell: 32 * 1024 ** 2,
  outputsPerCell: 100
};

/** What the launcher keeps, and the supervisor: a notebook that shows any of it has broken out. */
export const SECRETS = {
  token: 'launcher-token-4f9a1c',
  environment: 'supervisor-env-77c02b',
  file: 'supervisor-file-e1d355'
};
const SECRET_FILE = '/supervisor-secret';

/** The launcher's socket as the container sees it; counts who connects. */
export class Launcher {
  connections = 0;
  readonly folder: string;
  readonly #server: Server;

  private constructor(folder: string) {
    this.folder = folder;
    this.#server = createServer(socket => {
      this.connections++;
      // read to its end, or closing the server would wait for it
      socket.on('error', () => undefined).resume();
      socket.end(SECRETS.token);
    });
  }

  static async open(): Promise<Launcher> {
    const launcher = new Launcher(await mkdtemp('/tmp/clean-room-launcher-'));
    const socket = join(launcher.folder, 'teeserver.sock');
    await new Promise<void>(resolve => launcher.#server.listen(socket, resolve));
    await chmod(launcher.folder, 0o755);
    await chmod(socket, 0o777);
    await writeFile(join(launcher.folder, 'attestation_verifier_claims_token'), SECRETS.token, {
      mode: 0o644
    });
    return launcher;
  }

  async close(): Promise<void> {
    await new Promise(resolve => this.#server.close(resolve));
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** Each writable folder is a file system of its own, as with a mount of the TEE's: nobody else's files count. */
const FOLDERS = Object.fromEntries(WRITABLE_FOLDERS.map(folder => [`/jail${folder}`, 1024 ** 3]));

interface Asked {
  readonly answer: Answer;
  readonly changed: readonly string[];
}

async function ask(request: Request, launcher?: Launcher, powerful = false): Promise<Asked> {
  const empty = join(CACHE, 'no-launcher');
  await mkdir(empty, { recursive: true });
  const { result, changed } = await emulate(
    {
      profile: request.profile,
      launcher: launcher?.folder ?? empty,
      env: { SUPERVISOR_SECRET: SECRETS.environment },
      program: ['/usr/lib/clean-room/node', '/run/driver.mjs'],
      shown: { '/run/driver.mjs': stage().driver },
      mounts: FOLDERS,
      powerful
    },
    async (program, words) => {
      const child = spawn(program, words, { stdio: ['pipe', 'pipe', 'pipe'] });
      child.stdin.end(JSON.stringify(request));
      const [output, errors] = await Promise.all([text(child.stdout), text(child.stderr)]);
      if (output === '') throw new Error(`The container of the test did not start: ${errors}`);
      return JSON.parse(output) as Answer;
    }
  );
  return { answer: result, changed: changed.filter(path => path !== SECRET_FILE) };
}

export interface NotebookRun {
  readonly cells: readonly string[];
  readonly limits?: Partial<SandboxLimits>;
  readonly files?: Readonly<Record<string, string>>;
  readonly watched?: readonly string[];
  readonly launcher?: Launcher;
  readonly killWardenAfterMs?: number;
}

export interface RanNotebook extends NotebookAnswer {
  /** Files of the image's root file system, by path, that are not what they were. */
  readonly changed: readonly string[];
}

/** Runs a notebook in the sandbox, as a supervisor in the container would. */
export async function runNotebook(profile: SandboxProfile, run: NotebookRun): Promise<RanNotebook> {
  const { answer, changed } = await ask(
    {
      action: 'notebook',
      profile,
      uid: SANDBOX_USER,
      cells: run.cells,
      limits: { ...LIMITS, ...run.limits },
      files: run.files ?? {},
      watched: run.watched ?? [],
      secretFile: { path: SECRET_FILE, content: SECRETS.file },
      killWardenAfterMs: run.killWardenAfterMs ?? null
    },
    run.launcher
  );
  if (!('cells' in answer)) throw new Error(`No notebook ran: ${JSON.stringify(answer)}`);
  return { ...answer, changed };
}

export interface ProbeRun {
  readonly policy?: Uint8Array;
  /** A container with every capability there is. */
  readonly powerful?: boolean;
}

export async function runProbe(profile: SandboxProfile, run: ProbeRun = {}): Promise<ProbeAnswer> {
  const policy = run.policy === undefined ? null : Buffer.from(run.policy).toString('base64');
  const { answer } = await ask(
    { action: 'probe', profile, uid: SANDBOX_USER, limits: LIMITS, policy },
    undefined,
    run.powerful
  );
  if (!('probe' in answer)) throw new Error(`No probe ran: ${JSON.stringify(answer)}`);
  return answer;
}

export async function decodeImages(
  profile: SandboxProfile,
  images: readonly Uint8Array[],
  maxPixels: number
): Promise<readonly DecodeAnswer[]> {
  const encoded = images.map(image => Buffer.from(image).toString('base64'));
  const { answer } = await ask({
    action: 'decode',
    profile,
    uid: SANDBOX_USER + 2,
    images: encoded,
    maxPixels
  });
  if (!('images' in answer)) throw new Error(`Nothing was decoded: ${JSON.stringify(answer)}`);
  return answer.images;
}

/** All text that came out of a run. */
export function shown(answer: NotebookAnswer): string {
  return answer.cells
    .flatMap(cell => cell.outputs)
    .map(output => {
      if (output.type === 'stream') return output.text;
      if (output.type === 'error') return `${output.ename}: ${output.evalue}`;
      return JSON.stringify(output.data);
    })
    .join('\n');
}
