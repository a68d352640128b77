import type { ErrorCode } from '@clean-room/protocol/errors';

/** The exit codes of the command. Scripts may rely on them. */
export const EXIT = {
  ok: 0,
  /** A check failed, or a request was refused. Nothing was changed. */
  refused: 1,
  /** The command line is not valid. */
  usage: 2,
  /** The clean room, or a service that it needs, cannot be reached now. */
  unavailable: 3,
  /** Not signed in, or not allowed. */
  forbidden: 4,
  /** A file, dataset, run or another object does not exist. */
  notFound: 5,
  /** Not possible in the current state: another step is needed first, or it is too late. */
  conflict: 6,
  /** The run ended without a result. */
  runFailed: 7,
  /** An unexpected error in the program. */
  internal: 70
} as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** A short description of each exit code, for the help text. */
export const EXIT_MEANINGS: Readonly<Record<ExitCode, string>> = {
  0: 'done, or all checks passed',
  1: 'a check failed, or the request was refused',
  2: 'the command line is not valid',
  3: 'the clean room cannot be reached now',
  4: 'not signed in, or not allowed',
  5: 'not found',
  6: 'not possible in the current state',
  7: 'the run ended without a result',
  70: 'an unexpected error'
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
  preempted: EXIT.runFailed,
  internal: EXIT.internal
};

/** Returns the exit code for an error code. */
export function exitCodeOf(code: ErrorCode): ExitCode {
  return BY_ERROR[code] ?? EXIT.refused;
}
