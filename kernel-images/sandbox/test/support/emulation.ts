import { chmod, chown, mkdir, mkdtemp, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { removeTree } from '@clean-room/simulator/container';
import type { SandboxProfile } from '../../src/warden/arguments.js';
import { CACHE, ORDINARY_USER } from './paths.js';
import { fixtures, isRoot } from './fixtures.js';

/** The profiles to test: both as root and in CI, otherwise only the profile that does not need root. */
export const PROFILES: readonly SandboxProfile[] =
  isRoot || process.env['CI'] === 'true' ? ['second-uid', 'nested-namespace'] : ['nested-namespace'];
if (PROFILES.length === 1)
  process.stderr.write('The profile second-uid is not tested, because it needs root.\n');

/** The settings of an emulated container. */
export interface Emulation {
  readonly profile: SandboxProfile;
  /** A folder of this machine that the container sees as /run/container_launcher. */
  readonly launcher: string;
  readonly env: Readonly<Record<string, string>>;
  readonly program: readonly string[];
  /** Files and folders of this machine that the container can read, by their paths in the container. */
  readonly readOnly?: Readonly<Record<string, string>>;
  /** Sizes in bytes of separate file systems, by their paths in the container. */
  readonly mounts?: Readonly<Record<string, number>>;
  /** Gives the container all capabilities. */
  readonly powerful?: boolean;
}

/** The result of a program in a container. */
export interface Emulated<T> {
  readonly result: T;
  /** Paths of the files that the container changed in its root file system, without mounted file systems. */
  readonly changed: readonly string[];
}

const CAPABILITIES =
  `chown dac_override fsetid fowner mknod net_raw setgid setuid setfcap setpcap net_bind_service
  sys_chroot kill audit_write`
    .trim()
    .split(/\s+/)
    .flatMap(name => ['--cap-add', `CAP_${name.toUpperCase()}`]);

const MOUNT = 'mount -t overlay overlay -o "$1" "$2" || exit 120; shift 2; exec "$@"';
const SHARED_MEMORY = '67108864';
/** Seconds after which a container is killed. A container that hangs would block others, which wait for its lock. */
const TIMEOUT = '90';

/** Returns a command that mounts the image's layers below a writable folder, in a mount namespace of its own. */
function overlayCommand({ profile }: Emulation, folder: string): string[] {
  const root = profile === 'second-uid';
  const become = ['setpriv', `--reuid=${ORDINARY_USER}`, `--regid=${ORDINARY_USER}`, '--clear-groups'];
  const layers = `lowerdir=${fixtures().stacks[profile].join(':')},upperdir=${folder}/upper,workdir=${folder}/work`;
  return [
    ...(root || !isRoot ? [] : become),
    ...[
      'unshare',
      ...(root ? [] : ['--user', '--map-root-user']),
      '--mount',
      '--propagation',
      'private',
      '--'
    ],
    ...['sh', '-c', MOUNT, 'sh', root ? layers : `${layers},userxattr`, join(folder, 'merged')]
  ];
}

/** Returns the command that emulates a container of Confidential Space. */
function containerCommand(options: Emulation, folder: string): string[] {
  const { profile, launcher, env, program, readOnly = {}, mounts = {}, powerful = false } = options;
  const root = profile === 'second-uid';
  return [
    ...['flock', join(CACHE, `${profile}.lock`), 'timeout', '--signal=KILL', TIMEOUT],
    ...overlayCommand(options, folder),
    ...['bwrap', '--unshare-pid', '--unshare-ipc', '--unshare-uts', '--as-pid-1', '--die-with-parent'],
    ...(powerful ? ['--cap-add', 'ALL'] : ['--cap-drop', 'ALL', ...CAPABILITIES]),
    ...[root ? '--dev-bind' : '--bind', join(folder, 'merged'), '/'],
    ...Object.entries(mounts).flatMap(([path, bytes]) => [
      ...['--perms', '0700', '--size', String(bytes), '--tmpfs', path]
    ]),
    ...['--proc', '/proc', ...(root ? ['--ro-bind', '/proc/sys', '/proc/sys'] : [])],
    ...['--ro-bind', '/sys', '/sys', '--dev', '/dev', '--size', SHARED_MEMORY, '--tmpfs', '/dev/shm'],
    ...['--tmpfs', '/run', '--ro-bind', launcher, '/run/container_launcher'],
    ...['--ro-bind', fixtures().init, '/run/container-init'],
    ...Object.entries(readOnly).flatMap(([path, source]) => ['--ro-bind', source, path]),
    ...['--chdir', '/', '--clearenv', '--setenv', 'PATH', '/usr/sbin:/usr/bin:/sbin:/bin'],
    ...Object.entries(env).flatMap(([name, value]) => ['--setenv', name, value]),
    ...['--', ...(powerful ? [] : ['/run/container-init']), ...program]
  ];
}

/**
 * Runs a program in a new container of the kernel image and removes the container afterwards.
 *
 * @param options - settings of the container
 * @param use - starts the given command, which emulates the container, and waits for its end
 */
export async function emulate<T>(
  options: Emulation,
  use: (program: string, parameters: readonly string[]) => Promise<T>
): Promise<Emulated<T>> {
  const folder = await mkdtemp('/tmp/clean-room-container-');
  const owner = options.profile === 'nested-namespace' && isRoot ? ORDINARY_USER : undefined;
  try {
    await chmod(folder, 0o755);
    for (const name of ['upper', 'work', 'merged']) {
      await mkdir(join(folder, name), { mode: 0o755 });
      if (owner !== undefined) await chown(join(folder, name), owner, owner);
    }
    if (owner !== undefined) await chown(folder, owner, owner);
    const [program = '', ...parameters] = containerCommand(options, folder);
    const result = await use(program, parameters);
    return { result, changed: await filesBelow(join(folder, 'upper')) };
  } finally {
    await removeTree(folder);
  }
}

async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter(entry => !entry.isDirectory())
    .map(entry => join(entry.parentPath, entry.name).slice(folder.length))
    .sort();
}
