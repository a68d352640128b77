import { existsSync, statSync } from 'node:fs';
import type { LaunchPlan } from '../launch-policy/launch.js';

/**
 * The capabilities that Confidential Space gives a container (containerd's default). They are its bounding, permitted and
 * effective set, mask 0xa80425fb. The inheritable and ambient sets are empty.
 */
const CONTAINER_CAPABILITIES = [
  'chown',
  'dac_override',
  'fsetid',
  'fowner',
  'mknod',
  'net_raw',
  'setgid',
  'setuid',
  'setfcap',
  'setpcap',
  'net_bind_service',
  'sys_chroot',
  'kill',
  'audit_write'
] as const;

/**
 * A command prefix that limits the bounding set to the container's capabilities. bwrap needs one more to build the container.
 * It gets this one through the inheritable set, which the enter program empties before it executes the container's program.
 */
export const BOUNDING_COMMAND: readonly string[] = [
  ...['setpriv', '--inh-caps=+sys_admin'],
  ...['setpriv', `--bounding-set=-all,${CONTAINER_CAPABILITIES.map(name => `+${name}`).join(',')}`]
];

/** Options with which bwrap keeps exactly the container's capabilities. */
const CAPABILITY_OPTIONS: readonly string[] = [
  ...['--cap-drop', 'ALL'],
  ...CONTAINER_CAPABILITIES.flatMap(name => ['--cap-add', `CAP_${name.toUpperCase()}`])
];

/** The input of `bubblewrapOptions`. */
export interface BubblewrapOptions {
  /** The folder on which the container's root file system is mounted. */
  readonly root: string;
  /** The launcher's folder, which is mounted read-only at /run/container_launcher. */
  readonly launcherFolder: string;
  readonly hostname: string;
  readonly plan: LaunchPlan;
  /** Whether this process is root. An ordinary user gets a user namespace. */
  readonly asRoot: boolean;
}

/** The size of /dev/shm in bytes (containerd's default). */
const SHARED_MEMORY = '67108864';

/** Paths of the machine that containerd hides from containers. */
const MASKED = [
  '/proc/acpi',
  '/proc/asound',
  '/proc/kcore',
  '/proc/keys',
  '/proc/latency_stats',
  '/proc/timer_list',
  '/proc/timer_stats',
  '/proc/sched_debug',
  '/proc/scsi',
  '/sys/firmware'
];
/** Paths of the machine that containerd mounts read-only. */
const READ_ONLY = ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'];

/**
 * Returns the options of bwrap for a container like those of Confidential Space: its own pid, ipc, uts and mount namespaces,
 * the machine's network, and the same mounts, capabilities and environment. For an ordinary user, /proc is not masked: the
 * sandbox in the container mounts a new /proc, and the kernel allows this only in a namespace whose own /proc is not masked.
 */
export function bubblewrapOptions({
  root,
  launcherFolder,
  hostname,
  plan,
  asRoot
}: BubblewrapOptions): string[] {
  return [
    ...['--unshare-pid', '--unshare-ipc', '--unshare-uts', '--hostname', hostname],
    ...['--as-pid-1', '--die-with-parent', '--json-status-fd', '3'],
    ...CAPABILITY_OPTIONS,
    // A plain bind mount has the option nodev, so the devices in the image's jail would not work.
    ...[asRoot ? '--dev-bind' : '--bind', root, '/'],
    ...['--proc', '/proc', '--ro-bind', '/sys', '/sys', '--dev', '/dev'],
    ...['--size', SHARED_MEMORY, '--tmpfs', '/dev/shm', '--mqueue', '/dev/mqueue', '--tmpfs', '/run'],
    ...(asRoot ? maskingOptions() : []),
    ...['--ro-bind', launcherFolder, '/run/container_launcher'],
    ...['/etc/hosts', '/etc/resolv.conf'].flatMap(file =>
      existsSync(file) ? ['--ro-bind', file, file] : []
    ),
    ...plan.mounts.flatMap(({ destination, sizeBytes }) => [
      ...(sizeBytes === undefined ? [] : ['--size', String(sizeBytes)]),
      ...['--tmpfs', destination]
    ]),
    ...['--chdir', plan.workingDirectory, '--clearenv'],
    ...Object.entries(plan.env).flatMap(([name, value]) => ['--setenv', name, value])
  ];
}

function maskingOptions(): string[] {
  const masks = MASKED.filter(path => existsSync(path)).flatMap(path =>
    statSync(path).isDirectory() ? ['--tmpfs', path, '--remount-ro', path] : ['--ro-bind', '/dev/null', path]
  );
  return [...READ_ONLY.filter(path => existsSync(path)).flatMap(path => ['--ro-bind', path, path]), ...masks];
}
