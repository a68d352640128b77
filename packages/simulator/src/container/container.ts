import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Duplex, Readable } from 'node:stream';
import { systemErrorCode } from '@clean-room/node-support';
import { CleanRoomError } from '@clean-room/protocol/errors';
import type { LaunchPlan } from '../launch-policy/launch.js';
import { bubblewrapOptions, containerTmpfs, OPEN_FILES, privilegeCommand } from './bubblewrap.js';
import { enterProgram } from './enter.js';
import { containerError, type SetupStage } from './errors.js';
import { isRoot, TOOL_PATH } from './tools.js';

/** The input of `Container.prepare`. */
export interface ContainerOptions {
  /** A private, empty folder for the files that the program writes. The caller removes it afterwards. */
  readonly folder: string;
  /** The folders of the image's layers, the topmost first. They are never written to. */
  readonly stack: readonly string[];
  readonly launcherFolder: string;
  readonly hostname: string;
  readonly plan: LaunchPlan;
}

/** How a container ended. */
export interface ContainerEnd {
  /** The program's exit code, or 128 + n if signal n ended it. Absent if the container was killed. */
  readonly exitCode?: number;
}

/**
 * Mounts overlayfs and each tmpfs in a mount namespace that ends with the process, waits for the word "go" on descriptor 7, and
 * starts bwrap. A tmpfs gets the mode of the image's folder, as from runc. The limit of open files is the container's, or as much
 * of it as this process may set.
 *
 * The enter program asks for a second confirmation on descriptor 7 before the program starts, because the process that sent
 * "go" may have died while bwrap built the container.
 */
const SCRIPT = `
echo namespace >&3
mount -t overlay overlay -o "$1" merged || exit 1
echo overlay >&3
echo 1000 > /proc/self/oom_score_adj
ulimit -n ${OPEN_FILES} 2> /dev/null || ulimit -n "$(ulimit -H -n)"
shift
while [ "$1" != -- ]; do
  mode=
  [ -L "merged$3" ] || mode=$(stat -c mode=%a, "merged$3" 2> /dev/null)
  mount -t tmpfs -o "$mode$1" tmpfs "$2" || exit 1
  shift 3
done
shift
read -r word <&7 || exit 1
[ "$word" = go ] || exit 1
exec "$@"
`;

/**
 * A program in a container like those of Confidential Space. Its output is discarded unless the launch plan redirects it.
 *
 * `prepare` builds the file system and starts the outer process, and `run` starts the program. In between, the caller can
 * record the process id, so that after a crash the process is always found.
 */
export class Container {
  private stage: SetupStage = 'none';
  private exitCode: number | undefined;
  /** The number of the program's process, once it exists. */
  private programPid: number | undefined;
  private readonly pendingSignals: NodeJS.Signals[] = [];
  private errorOutput = '';
  private readonly overlayDone: Promise<unknown>;
  /** Descriptor 7. If it closes, everything in the container ends. */
  private readonly lifeline: Duplex;
  private readonly closed: Promise<unknown>;
  readonly pid: number;

  private constructor(private readonly child: ChildProcess) {
    const streams: readonly unknown[] = child.stdio;
    this.pid = child.pid ?? 0;
    this.closed = once(child, 'close');
    this.lifeline = streams[7] as Duplex;
    const status = createInterface({ input: streams[3] as Readable });
    this.overlayDone = new Promise(resolve => {
      status.on('line', line => {
        this.readStatus(line);
        if (this.stage !== 'namespace') resolve(undefined);
      });
      status.once('close', resolve);
    });
    (streams[2] as Readable).on('data', (chunk: Buffer) => {
      if (this.errorOutput.length < 2000) this.errorOutput += chunk.toString('utf8');
    });
    this.lifeline.on('error', () => undefined);
  }

  /**
   * Builds the container's file system and starts its outer process.
   *
   * @throws CleanRoomError `backend-unavailable` if the machine lacks a mechanism that the container needs
   */
  static async prepare(options: ContainerOptions): Promise<Container> {
    const asRoot = isRoot();
    const { folder, plan } = options;
    const layers = await prepareFolder(options);
    const tmpfs = containerTmpfs(plan).map((mount, index) => ({
      ...mount,
      source: join(folder, 'tmpfs', String(index))
    }));
    for (const { source } of tmpfs) await mkdir(source, { recursive: true, mode: 0o755 });
    const bwrapOptions = bubblewrapOptions({ ...options, root: join(folder, 'merged'), tmpfs, asRoot });
    // bwrap reads its options from a file, because every user of the machine can read arguments, and the environment names the
    // job.
    const optionsFile = join(folder, 'options');
    await writeFile(optionsFile, bwrapOptions.join('\0'), { mode: 0o600 });
    const enterFile = join(folder, 'enter');
    await writeFile(enterFile, enterProgram(), { mode: 0o700 });

    const overlay = [
      `lowerdir=${layers.join(':')}`,
      'upperdir=upper',
      'workdir=work',
      ...(asRoot ? [] : ['userxattr'])
    ];
    const namespace = asRoot ? ['--mount'] : ['--user', '--map-root-user', '--mount'];
    const output = (name: string) =>
      openSync(plan.logRedirect === 'false' ? '/dev/null' : join(folder, name), 'a', 0o600);
    const files = [
      output('stdout.log'),
      output('stderr.log'),
      openSync(enterFile, 'r'),
      openSync(optionsFile, 'r')
    ] as const;
    const child = spawn(
      'unshare',
      [
        ...[...namespace, '--propagation', 'private', '--', 'sh', '-c', SCRIPT, 'sh', overlay.join(',')],
        ...tmpfs.flatMap(mount => [mount.options, mount.source, mount.destination]),
        ...['--', ...privilegeCommand(asRoot), 'bwrap', '--args', '8', '--', '/proc/self/fd/6', ...plan.args]
      ],
      {
        cwd: folder,
        env: { PATH: TOOL_PATH },
        stdio: ['ignore', 'ignore', 'pipe', 'pipe', files[0], files[1], files[2], 'pipe', files[3]]
      }
    );
    for (const file of files) closeSync(file);
    await Promise.race([
      once(child, 'spawn'),
      once(child, 'error').then(([error]) => Promise.reject(error as Error))
    ]).catch((cause: unknown) => {
      throw new CleanRoomError('backend-unavailable', 'The program unshare could not be started.', { cause });
    });
    const container = new Container(child);
    await container.overlayDone;
    if (container.stage === 'overlay') return container;
    await container.closed;
    throw container.setupError();
  }

  /**
   * Starts the program and waits for its end.
   *
   * @throws CleanRoomError `backend-unavailable` if the container could not be built
   */
  async run(): Promise<ContainerEnd> {
    this.lifeline.once('data', () => this.lifeline.write('.'));
    this.lifeline.write('go\n');
    await this.closed;
    if (this.exitCode !== undefined) return { exitCode: this.exitCode };
    if (this.child.signalCode !== null) return {};
    throw this.setupError();
  }

  /** Sends a signal to the program. Like the first process of every container, it ignores signals for which it has no handler. */
  signal(name: NodeJS.Signals): void {
    if (this.programPid === undefined) this.pendingSignals.push(name);
    else if (this.exitCode === undefined) sendSignal(this.programPid, name);
  }

  /** Kills everything in the container. */
  kill(): void {
    this.child.kill('SIGKILL');
    // This ends processes that do not yet die with their parent. It must come after the signal: a waiting shell would
    // otherwise exit first, as if it had not been killed.
    this.lifeline.destroy();
  }

  private readStatus(line: string): void {
    if (line === 'namespace' || line === 'overlay') {
      this.stage = line;
      return;
    }
    const report = JSON.parse(line) as { 'child-pid'?: number; 'exit-code'?: number };
    if (report['child-pid'] !== undefined) {
      this.stage = 'container';
      this.programPid = report['child-pid'];
      for (const name of this.pendingSignals.splice(0)) this.signal(name);
    }
    if (report['exit-code'] !== undefined) this.exitCode = report['exit-code'];
  }

  private setupError(): CleanRoomError {
    return containerError(this.stage, this.errorOutput);
  }
}

/** Sends a signal to a process, unless it has ended. */
function sendSignal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if (systemErrorCode(error) !== 'ESRCH') throw error;
  }
}

/** Creates the folders of the overlay. Returns short names for the layers: mount accepts one page of options, without colons. */
async function prepareFolder({ folder, stack }: ContainerOptions): Promise<string[]> {
  for (const name of ['upper', 'work', 'merged', 'lower']) await mkdir(join(folder, name), { mode: 0o755 });
  const names = stack.map((_, index) => `lower/${index}`);
  for (const [index, target] of stack.entries()) await symlink(target, join(folder, `lower/${index}`));
  return names;
}
