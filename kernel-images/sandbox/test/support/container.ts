import { spawn } from 'node:child_process';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { SandboxProfile } from '../../src/warden/arguments.js';
import { WRITABLE_FOLDERS, type SandboxLimits } from '../../src/warden/limits.js';
import { emulate } from './emulation.js';
import { CACHE, SANDBOX_USER } from './paths.js';
import type {
  DriverResponse,
  DecodeResponse,
  NotebookResponse,
  ProbeResponse,
  DriverRequest
} from './requests.js';
import { fixtures } from './fixtures.js';

/** The limits of sandboxes in tests. */
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

/** Secrets of the launcher and the supervisor. A notebook that outputs one of them has escaped from the sandbox. */
export const SECRETS = {
  token: 'launcher-token-4f9a1c',
  environment: 'supervisor-env-77c02b',
  file: 'supervisor-file-e1d355'
};
const SECRET_FILE = '/supervisor-secret';

/** An emulation of the launcher's socket and token file. It counts connections. */
export class Launcher {
  connections = 0;
  readonly folder: string;
  readonly #server: Server;

  private constructor(folder: string) {
    this.folder = folder;
    this.#server = createServer(socket => {
      this.connections++;
      // Without reading, close() would wait for the client.
      socket.on('error', () => undefined).resume();
      socket.end(SECRETS.token);
    });
  }

  /** Starts to listen in a new folder. */
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

  /** Stops and removes the folder. */
  async close(): Promise<void> {
    await new Promise(resolve => this.#server.close(resolve));
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** Each writable folder is a separate file system, as in the TEE, so that only files of the test count. */
const MOUNTS = Object.fromEntries(WRITABLE_FOLDERS.map(folder => [`/jail${folder}`, 1024 ** 3]));

interface DriverResult {
  readonly response: DriverResponse;
  readonly changed: readonly string[];
}

/** Runs the driver in a container and sends it one request. */
async function runDriver(
  request: DriverRequest,
  launcher?: Launcher,
  powerful = false
): Promise<DriverResult> {
  const empty = join(CACHE, 'no-launcher');
  await mkdir(empty, { recursive: true });
  const { result, changed } = await emulate(
    {
      profile: request.profile,
      launcher: launcher?.folder ?? empty,
      env: { SUPERVISOR_SECRET: SECRETS.environment },
      program: ['/usr/lib/clean-room/node', '/run/driver.mjs'],
      readOnly: { '/run/driver.mjs': fixtures().driver },
      mounts: MOUNTS,
      powerful
    },
    async (program, parameters) => {
      const child = spawn(program, parameters, { stdio: ['pipe', 'pipe', 'pipe'] });
      child.stdin.end(JSON.stringify(request));
      const [output, errors] = await Promise.all([text(child.stdout), text(child.stderr)]);
      if (output === '') throw new Error(`The container of the test did not start: ${errors}`);
      return JSON.parse(output) as DriverResponse;
    }
  );
  return { response: result, changed: changed.filter(path => path !== SECRET_FILE) };
}

/** A notebook to run in a test. */
export interface NotebookRun {
  readonly cells: readonly string[];
  readonly limits?: Partial<SandboxLimits>;
  /** Contents of files by their paths inside the jail. */
  readonly files?: Readonly<Record<string, string>>;
  /** Paths in the container whose sizes are compared after the end of the run. */
  readonly watched?: readonly string[];
  readonly launcher?: Launcher;
  readonly killWardenAfterMs?: number;
}

/** The result of a notebook in a test. */
export interface FinishedNotebook extends NotebookResponse {
  /** Paths of files that the run changed in the root file system of the image. */
  readonly changed: readonly string[];
}

/** Runs a notebook in the sandbox, as the supervisor in the container does. */
export async function runNotebook(profile: SandboxProfile, run: NotebookRun): Promise<FinishedNotebook> {
  const { response, changed } = await runDriver(
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
  if (!('cells' in response)) throw new Error(`The notebook did not run: ${JSON.stringify(response)}`);
  return { ...response, changed };
}

/** Changes to the circumstances of the probe. */
export interface ProbeRun {
  /** A policy that replaces that of the image. */
  readonly policy?: Uint8Array;
  /** Gives the container all capabilities. */
  readonly powerful?: boolean;
}

/** Runs the probe in a container. */
export async function runProbe(profile: SandboxProfile, run: ProbeRun = {}): Promise<ProbeResponse> {
  const policy = run.policy === undefined ? null : Buffer.from(run.policy).toString('base64');
  const { response } = await runDriver(
    { action: 'probe', profile, uid: SANDBOX_USER, limits: LIMITS, policy },
    undefined,
    run.powerful
  );
  if (!('probe' in response)) throw new Error(`The probe did not run: ${JSON.stringify(response)}`);
  return response;
}

/** Decodes images in the sandbox of the decoder. */
export async function decodeImages(
  profile: SandboxProfile,
  images: readonly Uint8Array[],
  maxPixels: number
): Promise<readonly DecodeResponse[]> {
  const encoded = images.map(image => Buffer.from(image).toString('base64'));
  const { response } = await runDriver({
    action: 'decode',
    profile,
    uid: SANDBOX_USER + 2,
    images: encoded,
    maxPixels
  });
  if (!('images' in response)) throw new Error(`The images were not decoded: ${JSON.stringify(response)}`);
  return response.images;
}

/** Returns the text of all outputs of a run. */
export function shown({ cells }: Pick<NotebookResponse, 'cells'>): string {
  return cells
    .flatMap(cell => cell.outputs)
    .map(output => {
      if (output.type === 'stream') return output.text;
      if (output.type === 'error') return `${output.ename}: ${output.evalue}`;
      return JSON.stringify(output.data);
    })
    .join('\n');
}
