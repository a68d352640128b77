import { CleanRoomError } from '@clean-room/protocol/errors';

/**
 * Why the sandbox ended: `exit`: the command exited; `killed`: the supervisor asked for it; otherwise the exceeded
 * limit.
 */
const REASONS = ['exit', 'killed', 'memory', 'memory-floor', 'disk', 'inodes', 'wall'] as const;
/** Why the sandbox ended, according to the warden. */
export type WardenWhy = (typeof REASONS)[number];

/** The command runs in the sandbox. */
export interface WardenStarted {
  readonly type: 'started';
  readonly mode: string;
  /** Effective capabilities of the warden itself, as 16 hexadecimal digits. */
  readonly capabilities: string;
}

/** A step of the setup failed, and nothing has run. `what` is the name of the step. */
export interface WardenSetupFailed {
  readonly type: 'setup-failed';
  readonly what: string;
  readonly errno: number;
}

/** The command has ended, and no process of the sandbox is alive. */
export interface WardenEnd {
  readonly type: 'end';
  readonly why: WardenWhy;
  /** Exit code of the command; -1 when a signal ended it. */
  readonly code: number;
  /** Number of the signal that ended the command; 0 when it exited. */
  readonly signal: number;
  readonly milliseconds: number;
  /** Memory of all processes together, in bytes, at the highest sample. */
  readonly peakRss: number;
  /** Memory of the largest ended process, in bytes. */
  readonly maxProcess: number;
  /** The highest number of processes at a sample. */
  readonly processes: number;
}

/** A line on the status pipe of the warden. */
export type WardenStatus = WardenStarted | WardenSetupFailed | WardenEnd;

/**
 * Parses a line of the warden's status pipe.
 *
 * @throws CleanRoomError `malformed` when the line is not a status of this version of the warden
 */
export function parseStatus(line: string): WardenStatus {
  const throwInvalidStatus = (): never => {
    throw new CleanRoomError('malformed', 'The warden of the sandbox sent an invalid status.');
  };
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return throwInvalidStatus();
  }
  if (typeof value !== 'object' || value === null) return throwInvalidStatus();
  const fields = new Map(Object.entries(value));
  const text = (name: string): string => {
    const field: unknown = fields.get(name);
    return typeof field === 'string' ? field : throwInvalidStatus();
  };
  const number = (name: string): number => {
    const field: unknown = fields.get(name);
    return typeof field === 'number' && Number.isSafeInteger(field) ? field : throwInvalidStatus();
  };
  switch (fields.get('type')) {
    case 'started':
      return { type: 'started', mode: text('mode'), capabilities: text('capabilities') };
    case 'setup-failed':
      return { type: 'setup-failed', what: text('what'), errno: number('errno') };
    case 'end':
      return {
        type: 'end',
        why: REASONS.find(why => why === fields.get('why')) ?? throwInvalidStatus(),
        code: number('code'),
        signal: number('signal'),
        milliseconds: number('milliseconds'),
        peakRss: number('peakRss'),
        maxProcess: number('maxProcess'),
        processes: number('processes')
      };
    default:
      return throwInvalidStatus();
  }
}
