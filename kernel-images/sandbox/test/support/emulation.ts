import { chmod, chown, mkdir, mkdtemp, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { removeTree } from '@clean-room/simulator/container';
import type { SandboxProfile } from '../../src/warden/arguments.js';
import { CACHE, ORDINARY_USER } from './paths.js';
import { isRoot, stage } from './stage.js';

/** Both; only outside CI may one who is not root leave out what needs root. */
export const PROFILES: readonly SandboxProfile[] =
  isRoot || process.env['CI'] === 'true' ? ['second-uid', 'nested-namespace'] : ['nested-namespace'];
if (PROFILES.length === 1) process.stderr.write('Not root: the profile second-uid is not tested here.\n');

export interface Emulation {
  readonly profile: SandboxProfile;
  /** Of this machine, seen as /run/container_launcher. */
  readonly launcher: string;
  readonly env: Readonly<Record<string, string>>;
  readonly program: readonly string[];
  /** Files and folders of this machine, read-only, by their paths in the container. */
  readonly shown?: Readonly<Record<string, string>>;
  /** File systems of their own, by their paths, with the most bytes they hold. */
  readonly mounts?: Readonly<Record<string, number>>;
  /** A container with every capability there is. */
  readonly powerful?: boolean;
}

/** What a container left in its root file system, outside of what was mounted there. */
export interface Emulated<T> {
  readonly result: T;
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
/** Seconds, more than any run may take. What hangs ends: those after it wait for its lock. */
const LONGEST = '90';

/** The image's layers under a folder for what is written, in a mount namespace that ends with the program. */
function overlaid({ profile }: Emulation, folder: string): string[] {
  const root = profile === 'second-uid';
  const become = ['setpriv', `--reuid=${ORDINARY_USER}`, `--regid=${ORDINARY_USER}`, '--clear-groups'];
  const layers = `lowerdir=${stage().stacks[profile].join(':')},upperdir=${folder}/upper,workdir=${folder}/work`;
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

/** The command that emulates a container of Confidential Space. */
function containerCommand(order: Emulation, folder: string): string[] {
  const { profile, launcher, env, program, shown = {}, mounts = {}, powerful = false } = order;
  const root = profile === 'second-uid';
  return [
    ...['flock', join(CACHE, `${profile}.lock`), 'timeout', '--signal=KILL', LONGEST],
    ...overlaid(order, folder),
    ...['bwrap', '--unshare-pid', '--unshare-ipc', '--unshare-uts', '--as-pid-1', '--die-with-parent'],
    ...(powerful ? ['--cap-add', 'ALL'] : ['--cap-drop', 'ALL', ...CAPABILITIES]),
    ...[root ? '--dev-bind' : '--bind', join(folder, 'merged'), '/'],
    ...Object.entries(mounts).flatMap(([path, bytes]) => [
      ...['--perms', '0700', '--size', String(bytes), '--tmpfs', path]
    ]),
    ...['--proc', '/proc', ...(root ? ['--ro-bind', '/proc/sys', '/proc/sys'] : [])],
    ...['--ro-bind', '/sys', '/sys', '--dev', '/dev', '--size', SHARED_MEMORY, '--tmpfs', '/dev/shm'],
    ...['--tmpfs', '/run', '--ro-bind', launcher, '/run/container_launcher'],
    ...['--ro-bind', stage().init, '/run/container-init'],
    ...Object.entries(shown).flatMap(([path, source]) => ['--ro-bind', source, path]),
    ...['--chdir', '/', '--clearenv', '--setenv', 'PATH', '/usr/sbin:/usr/bin:/sbin:/bin'],
    ...Object.entries(env).flatMap(([name, value]) => ['--setenv', name, value]),
    ...['--', ...(powerful ? [] : ['/run/container-init']), ...program]
  ];
}

/** Builds a container of the kernel image around what `use` runs, and takes it away afterwards. */
export async function emulate<T>(
  order: Emulation,
  use: (program: string, words: readonly string[]) => Promise<T>
): Promise<Emulated<T>> {
  const folder = await mkdtemp('/tmp/clean-room-container-');
  const owner = order.profile === 'nested-namespace' && isRoot ? ORDINARY_USER : undefined;
  try {
    await chmod(folder, 0o755);
    for (const name of ['upper', 'work', 'merged']) {
      await mkdir(join(folder, name), { mode: 0o755 });
      if (owner !== undefined) await chown(join(folder, name), owner, owner);
    }
    if (owner !== undefined) await chown(folder, owner, owner);
    const [program = '', ...words] = containerCommand(order, folder);
    const result = await use(program, words);
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
