import { spawn } from 'node:child_process';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { SandboxProfile } from '@clean-room/sandbox';
import { emulate } from '../../../sandbox/test/support/emulation.js';
import type { World } from './world.js';

export { PROFILES } from '../../../sandbox/test/support/emulation.js';

const OWN = '/usr/lib/clean-room';

/** Writes the layer of a revision, with spec and workspace, as an image contains it. */
export async function writeLayer(folder: string, world: World): Promise<void> {
  const layer = join(folder, 'clean-room');
  const write = async (path: string, content: string | Uint8Array): Promise<void> => {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, content, { mode: 0o644 });
  };
  await write(join(layer, 'spec.json'), world.spec.bytes);
  for (const [path, content] of Object.entries(world.files))
    await write(join(layer, 'workspace', path), content);
}

/** Exit code and output of the supervisor's process. */
export interface ProcessResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The result of the supervisor's container. */
export interface SupervisorEnd {
  readonly ended: ProcessResult;
  /** Paths of the files that it left behind in the image's file system. */
  readonly left: readonly string[];
}

/** Runs the kernel image like Confidential Space: its own entry point as the first process, with a container's rights. */
export async function runSupervisor(
  profile: SandboxProfile,
  world: World,
  job: string,
  launcher: string
): Promise<SupervisorEnd> {
  const folder = await mkdtemp('/tmp/clean-room-image-');
  try {
    await chmod(folder, 0o755);
    await writeLayer(folder, world);
    const container = {
      profile,
      launcher,
      env: { CLEAN_ROOM_JOB: job },
      program: [`${OWN}/node`, `${OWN}/supervisor.js`],
      readOnly: { '/clean-room': join(folder, 'clean-room') }
    };
    const { result, changed } = await emulate(container, async (program, words) => {
      const child = spawn(program, words, { stdio: ['ignore', 'pipe', 'pipe'] });
      const code = new Promise<number | null>((resolve, reject) =>
        child.once('exit', resolve).once('error', reject)
      );
      const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
      return { code: await code, stdout, stderr };
    });
    return { ended: result, left: changed };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
