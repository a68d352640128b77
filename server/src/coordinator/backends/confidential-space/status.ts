import type { TeeEnd, TeeStatus } from '../backend.js';

/** An error in an operation of the Compute API. */
interface OperationError {
  readonly code?: string | null;
  readonly message?: string | null;
}

/** The reasons for error codes that say that a zone has no free machine or that a limit is reached. */
const INSERT_ENDS: Readonly<Record<string, TeeEnd>> = {
  ZONE_RESOURCE_POOL_EXHAUSTED: 'out-of-capacity',
  ZONE_RESOURCE_POOL_EXHAUSTED_WITH_DETAILS: 'out-of-capacity',
  RESOURCE_POOL_EXHAUSTED: 'out-of-capacity',
  STOCKOUT: 'out-of-capacity',
  QUOTA_EXCEEDED: 'quota',
  LIMIT_EXCEEDED: 'quota',
  // The region has no such machine for this project, for example a CPU platform that it does not offer.
  UNSUPPORTED_OPERATION: 'out-of-capacity'
};

/** Returns why an insert operation failed, or undefined when it has no error. */
export function insertEnd(errors: readonly OperationError[] | null | undefined): TeeEnd | undefined {
  const [first] = errors ?? [];
  if (first === undefined) return undefined;
  const known = (errors ?? []).flatMap(({ code }) => INSERT_ENDS[code ?? ''] ?? [])[0];
  return known ?? 'boot-failed';
}

/** Types of operations that Compute Engine or a person begins, and that end a machine. */
const EVENT_ENDS: Readonly<Record<string, TeeEnd>> = {
  'compute.instances.preempted': 'preempted',
  'compute.instances.hostError': 'lost',
  'compute.instances.automaticRestart': 'lost',
  stop: 'stopped',
  suspend: 'stopped',
  delete: 'stopped'
};

/** Returns why a machine ended, from the types of the operations on it, or undefined when its guest ended by itself. */
export function eventEnd(operationTypes: readonly string[]): TeeEnd | undefined {
  return operationTypes.flatMap(type => EVENT_ENDS[type] ?? [])[0];
}

/** A line that the launcher writes when the program has ended, whatever its result. */
const WORKLOAD_ENDED = 'workload task ended and returned';
const LAUNCHER_EXIT = /TEE container launcher exiting.*?exit_msg="?([^"\r\n]{1,300})/;

/**
 * Returns why a machine powered itself off, from its serial console. The operator can write to the console, so it explains an
 * end to people and proves nothing.
 */
export function consoleEnd(contents: string): Extract<TeeStatus, { state: 'ended' }> {
  if (contents.includes(WORKLOAD_ENDED)) return { state: 'ended', reason: 'finished' };
  const message = LAUNCHER_EXIT.exec(contents)?.[1];
  if (message === undefined) return { state: 'ended', reason: 'boot-failed' };
  const plain = message.replaceAll(/[^\x20-\x7e]/g, ' ').trim();
  return { state: 'ended', reason: 'launcher-failed', detail: `The launcher reported: ${plain}` };
}

/** The states of an instance in which it has ended and still occupies its name and disk. */
const ENDED = ['STOPPING', 'STOPPED', 'TERMINATED', 'SUSPENDING', 'SUSPENDED'];

/** Returns the state of a machine by the status of its instance. */
export function stateOf(status: string | null | undefined): 'starting' | 'running' | 'ended' {
  if (status === 'RUNNING') return 'running';
  return ENDED.includes(status ?? '') ? 'ended' : 'starting';
}
