import { spawn } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { command } from '../../../sandbox/test/support/commands.js';
import { fixtures } from '../../../sandbox/test/support/fixtures.js';
import { writeLayer, type ProcessResult } from './container.js';
import type { World } from './world.js';

const CAPABILITIES = [
  ...['CHOWN', 'DAC_OVERRIDE', 'FSETID', 'FOWNER', 'MKNOD', 'NET_RAW', 'SETGID', 'SETUID', 'SETFCAP'],
  ...['SETPCAP', 'NET_BIND_SERVICE', 'SYS_CHROOT', 'KILL', 'AUDIT_WRITE']
].map(name => `CAP_${name}`);

const mount = (type: string, source: string, destination: string, ...options: string[]) => {
  return { type, source, destination, options };
};
/** A rule that allows a character device, or all with a major number. */
const device = (major: number, minor?: number) => {
  return { allow: true, type: 'c', major, access: 'rwm', ...(minor === undefined ? {} : { minor }) };
};
const OPEN_FILES = 131_072;
const CLOSED = ['nosuid', 'noexec', 'nodev'];

/** Returns the limit of open files: the launcher's, or as much of it as this process may set without privileges. */
async function openFiles(): Promise<number> {
  const limits = await readFile('/proc/self/limits', 'utf8');
  const [, hard] = /^Max open files +\S+ +(\S+)/m.exec(limits) ?? [];
  return hard === undefined || hard === 'unlimited' ? OPEN_FILES : Math.min(OPEN_FILES, Number(hard));
}

/**
 * Returns the OCI runtime specification that the launcher of Confidential Space makes for an image without any setting of the
 * operator but variables (go-tpm-tools, launcher/container_spec.go, on top of containerd 1.7, oci/spec.go and oci/mounts.go).
 */
async function launcherSpec(
  args: readonly string[],
  env: readonly string[],
  launcher: string
): Promise<object> {
  const files = await openFiles();
  return {
    ociVersion: '1.0.2',
    root: { path: 'rootfs' },
    process: {
      cwd: '/',
      noNewPrivileges: true,
      user: { uid: 0, gid: 0, additionalGids: [0] },
      args,
      env,
      capabilities: { bounding: CAPABILITIES, permitted: CAPABILITIES, effective: CAPABILITIES },
      rlimits: [{ type: 'RLIMIT_NOFILE', hard: files, soft: files }],
      oomScoreAdj: 1000
    },
    mounts: [
      mount('proc', 'proc', '/proc', ...CLOSED),
      mount('tmpfs', 'tmpfs', '/dev', 'nosuid', 'strictatime', 'mode=755', 'size=65536k'),
      mount(
        ...(['devpts', 'devpts', '/dev/pts', 'nosuid', 'noexec'] as const),
        ...['newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5']
      ),
      mount('tmpfs', 'shm', '/dev/shm', ...CLOSED, 'mode=1777', 'size=65536k'),
      mount('mqueue', 'mqueue', '/dev/mqueue', ...CLOSED),
      mount('sysfs', 'sysfs', '/sys', ...CLOSED, 'ro'),
      mount('tmpfs', 'tmpfs', '/run', 'nosuid', 'strictatime', 'mode=755', 'size=65536k'),
      mount('bind', launcher, '/run/container_launcher', 'rbind', 'ro'),
      mount('bind', '/etc/hosts', '/etc/hosts', 'rbind', 'ro'),
      mount('bind', '/etc/resolv.conf', '/etc/resolv.conf', 'rbind', 'ro')
    ],
    linux: {
      maskedPaths: [
        ...[
          'acpi',
          'asound',
          'kcore',
          'keys',
          'latency_stats',
          'timer_list',
          'timer_stats',
          'sched_debug'
        ].map(name => `/proc/${name}`),
        ...['/sys/firmware', '/sys/devices/virtual/powercap', '/proc/scsi']
      ],
      readonlyPaths: ['bus', 'fs', 'irq', 'sys', 'sysrq-trigger'].map(name => `/proc/${name}`),
      resources: {
        devices: [
          { allow: false, access: 'rwm' },
          ...[
            device(1, 3),
            device(1, 8),
            device(1, 7),
            device(5, 0),
            device(1, 5),
            device(1, 9),
            device(5, 1)
          ],
          ...[device(136), device(5, 2)]
        ]
      },
      // The network is the machine's.
      namespaces: ['pid', 'ipc', 'uts', 'mount'].map(type => ({ type }))
    }
  };
}

/** Mounts the image in a mount namespace that ends with runc. */
const MOUNT = 'mount -t overlay overlay -o "$1" rootfs || exit 120; shift; exec "$@"';

/** A kernel image in a container of Debian's runc. */
export interface RuncContainer {
  /** Sends a signal to the supervisor, as the launcher does through containerd. */
  signal(name: string): Promise<unknown>;
  readonly ended: Promise<ProcessResult>;
  /** The folder with the files that the supervisor changed in the image. It exists until `remove`. */
  readonly changes: string;
  remove(): Promise<void>;
}

/** Starts the supervisor of the kernel image, with a world's spec and workspace, under runc. Needs root. */
export async function startUnderRunc(world: World, job: string, launcher: string): Promise<RuncContainer> {
  const folder = await mkdtemp('/tmp/clean-room-runc-');
  await chmod(folder, 0o755);
  for (const name of ['rootfs', 'upper', 'work', 'layer']) await mkdir(join(folder, name), { mode: 0o755 });
  await writeLayer(join(folder, 'layer'), world);
  const program = ['/usr/lib/clean-room/node', '/usr/lib/clean-room/supervisor.js'];
  const env = ['PATH=/usr/sbin:/usr/bin:/sbin:/bin', `CLEAN_ROOM_JOB=${job}`, 'HOSTNAME=run-7f3a'];
  await writeFile(join(folder, 'config.json'), JSON.stringify(await launcherSpec(program, env, launcher)), {
    mode: 0o600
  });
  const layers = [join(folder, 'layer'), ...fixtures().stacks['second-uid']].join(':');
  const id = basename(folder);
  const state = join(folder, 'state');
  const child = spawn(
    'unshare',
    [
      ...['--mount', '--propagation', 'private', '--', 'sh', '-c', MOUNT, 'sh'],
      ...[`lowerdir=${layers},upperdir=upper,workdir=work`],
      ...['runc', '--root', state, 'run', '--bundle', folder, id]
    ],
    { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] }
  );
  const code = new Promise<number | null>((resolve, reject) =>
    child.once('exit', resolve).once('error', reject)
  );
  const ended = Promise.all([code, text(child.stdout), text(child.stderr)]).then(
    ([exit, stdout, stderr]): ProcessResult => ({ code: exit, stdout, stderr })
  );
  return {
    signal: name => command('runc', ['--root', state, 'kill', id, name]),
    ended,
    changes: join(folder, 'upper'),
    remove: () => rm(folder, { recursive: true, force: true })
  };
}
