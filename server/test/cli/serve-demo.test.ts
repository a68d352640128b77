import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { DemoWorld } from '../custodian/support/demo.js';
import { eventually } from '../support/wait.js';

const COMMAND = fileURLToPath(new URL('../../bin/clean-room.js', import.meta.url));

let world: DemoWorld;

beforeAll(async () => {
  world = await DemoWorld.create();
});
afterAll(() => world.stop());

/** A running `clean-room serve --demo`. */
interface ServedDemo {
  readonly command: ChildProcess;
  /** The processes of the coordinator and the custodians. */
  readonly processes: readonly number[];
  readonly ended: Promise<number | null>;
  readonly output: () => string;
}

async function childrenOf(pid: number): Promise<number[]> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '');
  return text.split(' ').filter(Boolean).map(Number);
}

/** Returns whether a process runs. A process that has ended but was not waited for does not. */
async function isRunning(pid: number): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  return stat !== undefined && !/\) Z /.test(stat);
}

async function serveDemo(): Promise<ServedDemo> {
  const command = spawn(process.execPath, [COMMAND, 'serve', '--demo', world.layout.root], {
    env: { ...process.env, CLEAN_ROOM_KERNEL_IMAGES: path.join(world.root, 'kernel-images') },
    stdio: ['ignore', 'ignore', 'pipe']
  });
  const ended = once(command, 'exit').then(([code]) => code as number | null);
  let text = '';
  command.stderr.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  await eventually(() => (text.includes('Ready.') || command.exitCode !== null ? true : undefined), 120);
  if (command.exitCode !== null) throw new Error(text);
  return { command, processes: await childrenOf(command.pid!), ended, output: () => text };
}

/** Waits until none of the processes runs. */
async function allEnded(processes: readonly number[]): Promise<void> {
  await eventually(
    async () => ((await Promise.all(processes.map(isRunning))).includes(true) ? undefined : true),
    60
  );
}

describe('the demo', () => {
  it('is served by one process for the coordinator and one for each custodian, which stop together', async () => {
    const { command, processes, ended, output } = await serveDemo();
    expect(processes).toHaveLength(3);
    const configurations = await Promise.all(
      processes.map(pid => readFile(`/proc/${pid}/cmdline`, 'utf8').then(line => line.split('\0')))
    );
    for (const folder of [
      world.layout.coordinatorConfig,
      world.layout.custodian('hospital'),
      world.layout.custodian('insurer')
    ])
      expect(configurations.filter(words => words.includes(folder))).toHaveLength(1);
    for (const address of [world.url, ...Object.values(world.origins)]) expect(output()).toContain(address);
    command.kill('SIGTERM');
    expect(await ended).toBe(0);
    await allEnded(processes);
  });

  it('stops with an error when one of its processes ends', async () => {
    const { processes, ended, output } = await serveDemo();
    process.kill(processes.at(-1)!, 'SIGKILL');
    expect(await ended).toBe(3);
    expect(output()).toContain('The custodian of insurer ended unexpectedly');
    await allEnded(processes);
  });

  it('leaves no process when it is killed', async () => {
    const { command, processes } = await serveDemo();
    command.kill('SIGKILL');
    await allEnded(processes);
  });
});
