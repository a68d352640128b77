import type { ErrorCode } from '@clean-room/protocol/errors';

/** What the command's exit code says. Scripts may rely on it. */
export const EXIT = {
  ok: 0,
  /** A check failed, or a request was refused: nothing was changed. */
  refused: 1,
  /** The command line is not one the command understands. */
  usage: 2,
  /** The clean room, or something it needs, can't be reached now. */
  unavailable: 3,
  /** Not signed in, or not allowed. */
  forbidden: 4,
  notFound: 5,
  /** Not possible in the present state: another move is needed first, or it is too late. */
  conflict: 6,
  /** The run ended without a result. */
  runFailed: 7,
  /** A fault of the program. */
  internal: 70
} as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

export const EXIT_MEANINGS: Readonly<Record<ExitCode, string>> = {
  0: 'done, or all that was asked holds',
  1: 'a check failed, or it was refused',
  2: 'the command line is wrong',
  3: 'the clean room can not be reached now',
  4: 'not signed in, or not allowed',
  5: 'there is no such thing',
  6: 'not possible in the present state',
  7: 'the run ended without a result',
  70: 'a fault of the program'
};

const BY_ERROR: Partial<Record<ErrorCode, ExitCode>> = {
  unavailable: EXIT.unavailable,
  'backend-unavailable': EXIT.unavailable,
  'registry-failed': EXIT.unavailable,
  'rate-limited': EXIT.unavailable,
  unauthenticated: EXIT.forbidden,
  forbidden: EXIT.forbidden,
  'not-found': EXIT.notFound,
  'image-unknown': EXIT.notFound,
  conflict: EXIT.conflict,
  expired: EXIT.conflict,
  'approval-missing': EXIT.conflict,
  'attempts-spent': EXIT.conflict,
  'run-failed': EXIT.runFailed,
  internal: EXIT.internal
};

export function exitCodeOf(code: ErrorCode): ExitCode {
  return BY_ERROR[code] ?? EXIT.refused;
}
