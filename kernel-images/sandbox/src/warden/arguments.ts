import { availableParallelism } from 'node:os';
import { MEMORY_FLOOR_BYTES, type SandboxLimits } from './limits.js';

/** The two ways to hold a notebook. `second-uid` needs root; `nested-namespace` is an ordinary user's. */
export type SandboxProfile = 'second-uid' | 'nested-namespace';

/** One command in the sandbox. */
export interface WardenOptions {
  /** Absolute path of the jail's root, seen from outside. */
  readonly jail: string;
  readonly mode: SandboxProfile;
  readonly wardenPath: string;
  readonly policyPath: string;
  /** User and group of the sandbox. Two sandboxes that run at the same time need different ones. */
  readonly uid: number;
  /** The user that ends the sandbox; `second-uid` alone uses it. */
  readonly killerUid: number;
  readonly limits: Pick<
    SandboxLimits,
    'memoryBytes' | 'diskBytes' | 'inodes' | 'processes' | 'openFiles' | 'wallSeconds'
  >;
  /** The whole environment of the command. */
  readonly env: Readonly<Record<string, string>>;
  /** Seen from inside the jail. */
  readonly command: readonly string[];
  readonly workdir: string;
  readonly writable: readonly string[];
}

const whole = (value: number): string => String(Math.ceil(value));

/** The words after `warden`. */
export function runArguments(options: WardenOptions): string[] {
  const { limits } = options;
  const cpuSeconds = limits.wallSeconds * availableParallelism() + 10;
  return [
    'run',
    ...['--mode', options.mode],
    ...['--jail', options.jail],
    ...['--workdir', options.workdir],
    ...options.writable.flatMap(folder => ['--writable', folder]),
    ...['--policy', options.policyPath],
    ...['--uid', String(options.uid)],
    ...(options.mode === 'second-uid' ? ['--killer-uid', String(options.killerUid)] : []),
    ...['--memory', whole(limits.memoryBytes)],
    ...['--memory-floor', String(MEMORY_FLOOR_BYTES)],
    ...['--disk', whole(limits.diskBytes)],
    ...['--inodes', whole(limits.inodes)],
    ...['--wall-ms', whole(limits.wallSeconds * 1000)],
    ...['--data', whole(limits.memoryBytes)],
    ...['--file-size', whole(limits.diskBytes)],
    ...['--processes', whole(limits.processes)],
    ...['--open-files', whole(limits.openFiles)],
    ...['--cpu-seconds', whole(cpuSeconds)],
    ...Object.entries(options.env).flatMap(([name, value]) => ['--env', `${name}=${value}`]),
    '--',
    ...options.command
  ];
}
