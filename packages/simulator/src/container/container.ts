import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Duplex, Readable } from 'node:stream';
import { CleanRoomError } from '@clean-room/protocol/errors';
import type { LaunchPlan } from '../launch-policy/launch.js';
import { bubblewrapOptions } from './bubblewrap.js';
import { BOUNDED } from './capabilities.js';
import { enterProgram } from './enter.js';
import { refusal, type Stage } from './refusal.js';
import { isRoot, TOOL_PATH } from './tools.js';

export interface ContainerOptions {
  /** A private, empty folder for what the program writes; the caller removes it afterwards. */
  readonly folder: string;
  /** Read-only folders that make up the image, the topmost first. */
  readonly stack: readonly string[];
  readonly launcherFolder: string;
  readonly hostname: string;
  readonly plan: LaunchPlan;
}

export interface ContainerEnd {
  /** Absent when the container was killed. 128 + n when the program ended by signal n. */
  readonly exitCode?: number;
}

/**
 * Overlayfs first, in a mount namespace that ends with the process; then wait for the word to go. Before the program begins,
 * it is asked for once more over descriptor 7: whoever said go may have died while the container was set up.
 */
const SCRIPT = `
echo namespace >&3
mount -t overlay overlay -o "$1" merged || exit 1
echo overlay >&3
echo 1000 > /proc/self/oom_score_adj
shift
read -r word <&7 || exit 1
[ "$word" = go ] || exit 1
exec "$@"
`;

/**
 * A program in a container like Confidential Space's. Its output goes nowhere unless the launch plan redirects it.
 *
 * `prepare` builds everything and holds still; `run` lets the program start. In between the caller can write down which
 * process it is, so that no crash leaves one behind that nobody knows of.
 */
export class Container {
  private stage: Stage = 'none';
  private exitCode: number | undefined;
  private complaint = '';
  private readonly overlaid: Promise<unknown>;

  private readonly lifeline: Duplex;
  private readonly closed: Promise<unknown>;
  readonly pid: number;

  private constructor(private readonly child: ChildProcess) {
    const streams: readonly unknown[] = child.stdio;
    this.pid = child.pid ?? 0;
    this.closed = once(child, 'close');
    this.lifeline = streams[7] as Duplex;
    const status = createInterface({ input: streams[3] as Readable });
    this.overlaid = new Promise(resolve => {
      status.on('line', line => {
        this.note(line);
        if (this.stage !== 'namespace') resolve(undefined);
      });
      status.once('close', resolve);
    });
    (streams[2] as Readable).on('data', (chunk: Buffer) => {
      if (this.complaint.length < 2000) this.complaint += chunk.toString('utf8');
    });
    this.lifeline.on('error', () => undefined);
  }

  /** @throws CleanRoomError `backend-unavailable` */
  static async prepare(order: ContainerOptions): Promise<Container> {
    const asRoot = isRoot();
    const layers = await prepareFolder(order);
    const options = bubblewrapOptions({ ...order, root: join(order.folder, 'merged'), asRoot });
    // By file, not by argument: everyone on the machine can read arguments, and the environment names the job.
    const optionsFile = join(order.folder, 'options');
    await writeFile(optionsFile, options.join('\0'), { mode: 0o600 });
    const enterFile = join(order.folder, 'enter');
    await writeFile(enterFile, enterProgram(), { mode: 0o700 });

    const overlay = [
      `lowerdir=${layers.join(':')}`,
      'upperdir=upper',
      'workdir=work',
      ...(asRoot ? [] : ['userxattr'])
    ];
    const namespace = asRoot ? ['--mount'] : ['--user', '--map-root-user', '--mount'];
    const { logRedirect } = order.plan;
    const output = (name: string) =>
      openSync(logRedirect ? join(order.folder, name) : '/dev/null', 'a', 0o600);
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
        ...[...BOUNDED, 'bwrap', '--args', '8', '--', '/proc/self/fd/6', ...order.plan.args]
      ],
      {
        cwd: order.folder,
        env: { PATH: TOOL_PATH },
        stdio: ['ignore', 'ignore', 'pipe', 'pipe', files[0], files[1], files[2], 'pipe', files[3]]
      }
    );
    for (const file of files) closeSync(file);
    await Promise.race([
      once(child, 'spawn'),
      once(child, 'error').then(([error]) => Promise.reject(error as Error))
    ]).catch((cause: unknown) => {
      throw new CleanRoomError('backend-unavailable', 'unshare could not be started.', { cause });
    });
    const container = new Container(child);
    await container.overlaid;
    if (container.stage === 'overlay') return container;
    await container.closed;
    throw container.refused();
  }

  /**
   * Starts the program and waits for its end.
   * @throws CleanRoomError `backend-unavailable` when the container could not be built
   */
  async run(): Promise<ContainerEnd> {
    this.lifeline.once('data', () => this.lifeline.write('.'));
    this.lifeline.write('go\n');
    await this.closed;
    if (this.exitCode !== undefined) return { exitCode: this.exitCode };
    if (this.child.signalCode !== null) return {};
    throw this.refused();
  }

  /** Ends everything in the container at once. */
  kill(): void {
    this.child.kill('SIGKILL');
    // For what has not yet learned to die with its parent; after the signal, or else a shell that waits would just end.
    this.lifeline.destroy();
  }

  private note(line: string): void {
    if (line === 'namespace' || line === 'overlay') {
      this.stage = line;
      return;
    }
    const report = JSON.parse(line) as { 'child-pid'?: number; 'exit-code'?: number };
    if (report['child-pid'] !== undefined) this.stage = 'container';
    if (report['exit-code'] !== undefined) this.exitCode = report['exit-code'];
  }

  private refused(): CleanRoomError {
    return refusal(this.stage, this.complaint);
  }
}

/** Short relative names for the layers: mount takes no more than a page of options, and none with a colon. */
async function prepareFolder({ folder, stack }: ContainerOptions): Promise<string[]> {
  for (const name of ['upper', 'work', 'merged', 'lower']) await mkdir(join(folder, name), { mode: 0o755 });
  const names = stack.map((_, index) => `lower/${index}`);
  for (const [index, target] of stack.entries()) await symlink(target, join(folder, `lower/${index}`));
  return names;
}
