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
const BOUNDING_COMMAND: readonly string[] = [
  ...['setpriv', '--inh-caps=+sys_admin'],
  ...['setpriv', `--bounding-set=-all,${CONTAINER_CAPABILITIES.map(name => `+${name}`).join(',')}`]
];

/**
 * Returns the command prefix that gives the container's program its groups and capabilities. An ordinary user cannot leave the
 * groups that it is in.
 */
export function privilegeCommand(asRoot: boolean): readonly string[] {
  return [...(asRoot ? ['setpriv', '--groups', '0'] : []), ...BOUNDING_COMMAND];
}

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
  /** The tmpfs mounts, each with the folder at which it is mounted outside of the container. */
  readonly tmpfs: readonly (ContainerTmpfs & { readonly source: string })[];
  /** Whether this process is root. An ordinary user gets a user namespace. */
  readonly asRoot: boolean;
}

/** The largest number of open files of the container's program (go-tpm-tools, launcher/container_runner.go). */
export const OPEN_FILES = 131_072;

/** A tmpfs of the container. bwrap cannot mount one with all options, so it is mounted before and bound by bwrap. */
export interface ContainerTmpfs {
  /** Absolute path in the container. */
  readonly destination: string;
  /** Options of mount. */
  readonly options: string;
}

const MEBIBYTE = 1024 ** 2;
/** Options of containerd for a tmpfs to which every user can write. */
const CLOSED = 'nosuid,noexec,nodev';

/** Returns the tmpfs mounts of a container: those of containerd (oci/mounts.go), and then those that the operator adds. */
export function containerTmpfs({ mounts, sharedMemoryKilobytes }: LaunchPlan): ContainerTmpfs[] {
  const shared = sharedMemoryKilobytes === 0 ? 64 * 1024 : sharedMemoryKilobytes;
  return [
    { destination: '/run', options: `nosuid,strictatime,mode=755,size=${64 * MEBIBYTE}` },
    { destination: '/dev/shm', options: `${CLOSED},mode=1777,size=${shared}k` },
    ...mounts.map(({ destination, sizeBytes }) => ({
      destination,
      options: sizeBytes === undefined ? CLOSED : `${CLOSED},size=${sizeBytes}`
    }))
  ];
}

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
  '/sys/firmware',
  '/sys/devices/virtual/powercap'
];
/** Paths of the machine that containerd mounts read-only. */
const READ_ONLY = ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'];

/**
 * Returns the options of bwrap for a container like those of Confidential Space: its own pid, ipc, uts and mount namespaces,
 * the machine's network, and the same mounts, capabilities and environment. For an ordinary user, /proc is not masked: the
 * sandbox in the container mounts a new /proc, and the kernel allows this only in a namespace whose own /proc is not masked. A
 * real container can open only the default devices. The device cgroup that enforces this needs more privileges than root of a
 * container has, so this container has no such rule.
 */
export function bubblewrapOptions({
  root,
  launcherFolder,
  hostname,
  plan,
  tmpfs,
  asRoot
}: BubblewrapOptions): string[] {
  return [
    ...['--unshare-pid', '--unshare-ipc', '--unshare-uts', '--hostname', hostname],
    ...['--as-pid-1', '--die-with-parent', '--json-status-fd', '3'],
    ...CAPABILITY_OPTIONS,
    // A plain bind mount has the option nodev, so the devices in the image's jail would not work.
    ...[asRoot ? '--dev-bind' : '--bind', root, '/'],
    ...['--proc', '/proc', '--ro-bind', '/sys', '/sys', '--dev', '/dev', '--mqueue', '/dev/mqueue'],
    ...tmpfs.flatMap(({ source, destination }) => [
      asRoot && destination === '/run' ? '--dev-bind' : '--bind',
      source,
      destination
    ]),
    ...maskingOptions(asRoot),
    ...['--ro-bind', launcherFolder, '/run/container_launcher'],
    ...['/etc/hosts', '/etc/resolv.conf'].flatMap(file =>
      existsSync(file) ? ['--ro-bind', file, file] : []
    ),
    ...['--chdir', plan.workingDirectory, '--clearenv'],
    ...Object.entries(plan.env).flatMap(([name, value]) => ['--setenv', name, value])
  ];
}

function maskingOptions(asRoot: boolean): string[] {
  const present = (path: string) => (asRoot || !path.startsWith('/proc/')) && existsSync(path);
  const masks = MASKED.filter(present).flatMap(path =>
    statSync(path).isDirectory() ? ['--tmpfs', path, '--remount-ro', path] : ['--ro-bind', '/dev/null', path]
  );
  return [...READ_ONLY.filter(present).flatMap(path => ['--ro-bind', path, path]), ...masks];
}
