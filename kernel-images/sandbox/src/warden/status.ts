import { CleanRoomError } from '@clean-room/protocol/errors';

/** Why the warden ended the sandbox: `exit` by itself, `killed` because the supervisor said so, else a limit. */
const WHYS = ['exit', 'killed', 'memory', 'memory-floor', 'disk', 'inodes', 'wall'] as const;
export type WardenWhy = (typeof WHYS)[number];

export interface WardenStarted {
  readonly type: 'started';
  readonly mode: string;
  /** The warden's own effective capabilities, 16 hex digits. */
  readonly capabilities: string;
}

/** Nothing was run: `what` names the step that failed. */
export interface WardenSetupFailed {
  readonly type: 'setup-failed';
  readonly what: string;
  readonly errno: number;
}

/** No process of the sandbox is alive any more. */
export interface WardenEnd {
  readonly type: 'end';
  readonly why: WardenWhy;
  /** Exit code of the command; -1 when a signal ended it. */
  readonly code: number;
  /** The signal that ended it; 0 when it exited. */
  readonly signal: number;
  readonly milliseconds: number;
  /** Bytes, all processes together, at the samples taken. */
  readonly peakRss: number;
  /** Bytes, the largest process that ended. */
  readonly maxProcess: number;
  /** The most that were alive at a sample. */
  readonly processes: number;
}

export type WardenStatus = WardenStarted | WardenSetupFailed | WardenEnd;

/** @throws CleanRoomError `malformed`: whoever wrote that was no warden of ours */
export function parseStatus(line: string): WardenStatus {
  const fail = (): never => {
    throw new CleanRoomError('malformed', 'The warden of the sandbox reported something that is no status.');
  };
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return fail();
  }
  if (typeof value !== 'object' || value === null) return fail();
  const fields = new Map(Object.entries(value));
  const text = (name: string): string => {
    const field: unknown = fields.get(name);
    return typeof field === 'string' ? field : fail();
  };
  const number = (name: string): number => {
    const field: unknown = fields.get(name);
    return typeof field === 'number' && Number.isSafeInteger(field) ? field : fail();
  };
  switch (fields.get('type')) {
    case 'started':
      return { type: 'started', mode: text('mode'), capabilities: text('capabilities') };
    case 'setup-failed':
      return { type: 'setup-failed', what: text('what'), errno: number('errno') };
    case 'end':
      return {
        type: 'end',
        why: WHYS.find(why => why === fields.get('why')) ?? fail(),
        code: number('code'),
        signal: number('signal'),
        milliseconds: number('milliseconds'),
        peakRss: number('peakRss'),
        maxProcess: number('maxProcess'),
        processes: number('processes')
      };
    default:
      return fail();
  }
}
