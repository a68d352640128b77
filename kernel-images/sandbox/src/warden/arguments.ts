import { availableParallelism } from 'node:os';
import { MEMORY_FLOOR_BYTES, type SandboxLimits } from './limits.js';

/** The two ways to confine a notebook. `second-uid` needs root; `nested-namespace` works for an ordinary user. */
export type SandboxProfile = 'second-uid' | 'nested-namespace';

/** The settings of one command in the sandbox. */
export interface WardenOptions {
  /** Absolute path of the jail's root, seen from outside the jail. */
  readonly jail: string;
  readonly mode: SandboxProfile;
  readonly wardenPath: string;
  readonly policyPath: string;
  /** User and group id of the sandbox. Sandboxes that run at the same time need different ids. */
  readonly uid: number;
  /** User id that kills the processes of the sandbox. Only used by `second-uid`. */
  readonly killerUid: number;
  readonly limits: Pick<
    SandboxLimits,
    'memoryBytes' | 'diskBytes' | 'inodes' | 'processes' | 'openFiles' | 'wallSeconds'
  >;
  /** All environment variables of the command. */
  readonly env: Readonly<Record<string, string>>;
  /** Absolute path of the program inside the jail, then its arguments. */
  readonly command: readonly string[];
  /** Absolute path of the working directory inside the jail. */
  readonly workdir: string;
  /** Absolute paths of the writable folders inside the jail. */
  readonly writable: readonly string[];
}

const whole = (value: number): string => String(Math.ceil(value));

/** Returns the command-line arguments of the warden that runs one command. */
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
