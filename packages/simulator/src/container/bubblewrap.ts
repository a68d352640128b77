import { existsSync, statSync } from 'node:fs';
import type { LaunchPlan } from '../launch-policy/launch.js';
import { CAPABILITY_OPTIONS } from './capabilities.js';

export interface BubblewrapOptions {
  /** The mounted root file system. */
  readonly root: string;
  /** Mounted read-only at /run/container_launcher. */
  readonly launcherFolder: string;
  readonly hostname: string;
  readonly plan: LaunchPlan;
  readonly asRoot: boolean;
}

/** Size of /dev/shm in bytes: containerd's default. */
const SHARED_MEMORY = '67108864';

/** What containerd hides of the machine, and what it makes read-only. */
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
const READ_ONLY = ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'];

/**
 * The mounts, namespaces, capabilities and environment of a Confidential Space container as options of bwrap: own pid,
 * ipc, uts and mount namespaces, the machine's network. As root nothing is missing. In an ordinary user's namespace
 * /proc is not masked: a masked one would keep the program from making the namespace its sandbox needs.
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
    // A plain bind would be nodev, and the devices in the image's jail dead.
    ...[asRoot ? '--dev-bind' : '--bind', root, '/'],
    ...['--proc', '/proc', '--ro-bind', '/sys', '/sys', '--dev', '/dev'],
    ...['--size', SHARED_MEMORY, '--tmpfs', '/dev/shm', '--mqueue', '/dev/mqueue', '--tmpfs', '/run'],
    ...(asRoot ? hidden() : []),
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

function hidden(): string[] {
  const masks = MASKED.filter(path => existsSync(path)).flatMap(path =>
    statSync(path).isDirectory() ? ['--tmpfs', path, '--remount-ro', path] : ['--ro-bind', '/dev/null', path]
  );
  return [...READ_ONLY.filter(path => existsSync(path)).flatMap(path => ['--ro-bind', path, path]), ...masks];
}
