import { spawn } from 'node:child_process';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import type { SandboxProfile } from '@clean-room/sandbox';
import { bundleSupervisor } from '@clean-room/kernel-builder/parts';
import { CACHE, ORDINARY_USER } from '../../../sandbox/test/support/paths.js';
import { CONTAINER_INIT, isRoot, stageOf } from '../../../sandbox/test/support/stage.js';
import type { World } from './world.js';

/** Both; only outside CI may one who is not root leave out what needs root. */
export const PROFILES: readonly SandboxProfile[] =
  isRoot || process.env['CI'] === 'true' ? ['second-uid', 'nested-namespace'] : ['nested-namespace'];
if (PROFILES.length === 1) process.stderr.write('Not root: the profile second-uid is not tested here.\n');

const PROJECT = fileURLToPath(new URL('../../../../', import.meta.url));
const OWN = '/usr/lib/clean-room';
const CAPABILITIES =
  'CHOWN DAC_OVERRIDE FSETID FOWNER MKNOD NET_RAW SETGID SETUID SETFCAP SETPCAP NET_BIND_SERVICE SYS_CHROOT KILL AUDIT_WRITE'
    .split(' ')
    .flatMap(name => ['--cap-add', `CAP_${name}`]);

let bundled: Promise<Uint8Array> | undefined;

/** The layer of a revision: spec and workspace as an image has them. */
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

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the supervisor as Confidential Space would: bundled, as the first process, with the container's rights. */
export async function runSupervisor(
  profile: SandboxProfile,
  world: World,
  job: string,
  launcher: string
): Promise<Ended> {
  const folder = await mkdtemp('/tmp/clean-room-image-');
  try {
    await chmod(folder, 0o755);
    await writeLayer(folder, world);
    bundled ??= bundleSupervisor(PROJECT);
    await writeFile(join(folder, 'supervisor.js'), await bundled, { mode: 0o644 });
    const root = profile === 'second-uid';
    const words = [
      join(CACHE, `${profile}.lock`),
      ...(root || !isRoot
        ? []
        : ['setpriv', `--reuid=${ORDINARY_USER}`, `--regid=${ORDINARY_USER}`, '--clear-groups']),
      ...['bwrap', '--unshare-pid', '--unshare-ipc', '--unshare-uts', '--as-pid-1', '--die-with-parent'],
      ...(root ? [] : ['--unshare-user', '--uid', '0', '--gid', '0']),
      ...['--cap-drop', 'ALL', ...CAPABILITIES],
      ...[root ? '--dev-bind' : '--bind', stageOf(profile), '/', '--proc', '/proc'],
      ...(root ? ['--ro-bind', '/proc/sys', '/proc/sys'] : []),
      ...[
        '--ro-bind',
        '/sys',
        '/sys',
        '--dev',
        '/dev',
        '--size',
        '67108864',
        '--tmpfs',
        '/dev/shm',
        '--tmpfs',
        '/run'
      ],
      ...[
        '--ro-bind',
        launcher,
        '/run/container_launcher',
        '--ro-bind',
        CONTAINER_INIT,
        '/run/container-init'
      ],
      ...['--ro-bind', join(folder, 'clean-room'), '/clean-room'],
      ...['--ro-bind', join(folder, 'supervisor.js'), '/run/supervisor.js'],
      ...[
        '--chdir',
        '/',
        '--clearenv',
        '--setenv',
        'PATH',
        '/usr/sbin:/usr/bin:/sbin:/bin',
        '--setenv',
        'CLEAN_ROOM_JOB',
        job
      ],
      ...['--', '/run/container-init', `${OWN}/node`, '/run/supervisor.js']
    ];
    const child = spawn('flock', words, { stdio: ['ignore', 'pipe', 'pipe'] });
    const code = new Promise<number | null>((resolve, reject) =>
      child.once('exit', resolve).once('error', reject)
    );
    const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
    return { code: await code, stdout, stderr };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
