import { readFileSync } from 'node:fs';
import { systemErrorCode } from '@clean-room/node-support';

/** Identifies a process permanently. Its number is not sufficient, because the system reuses numbers. */
export interface ProcessIdentity {
  readonly pid: number;
  /** The start of the process, in clock ticks since the start of the machine. */
  readonly startTime: string;
  /** A random id that the machine gets at each start. */
  readonly bootId: string;
}

/** Returns the identity of a running process, or undefined if there is none with this number. */
export function identityOf(pid: number): ProcessIdentity | undefined {
  const startTime = startTimeOf(pid);
  return startTime === undefined ? undefined : { pid, startTime, bootId: bootId() };
}

/** Returns the identity of this process. */
export function ownIdentity(): ProcessIdentity {
  const identity = identityOf(process.pid);
  if (identity === undefined) throw new Error('/proc does not contain this process.');
  return identity;
}

/** Returns whether a process is still running. */
export function isAlive({ pid, startTime, bootId: boot }: ProcessIdentity): boolean {
  return boot === bootId() && startTimeOf(pid) === startTime;
}

/** Sends a signal to a process, if it is still running. */
export function signal(identity: ProcessIdentity, name: NodeJS.Signals): void {
  if (!isAlive(identity)) return;
  try {
    process.kill(identity.pid, name);
  } catch (error) {
    if (systemErrorCode(error) !== 'ESRCH') throw error;
  }
}

/**
 * Reads field 22 of /proc/PID/stat. The second field, in parentheses, may contain any characters. Zombies count as ended.
 */
function startTimeOf(pid: number): string | undefined {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return undefined;
  }
  const [state, ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return state === 'Z' || state === 'X' ? undefined : fields[18];
}

function bootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
}
