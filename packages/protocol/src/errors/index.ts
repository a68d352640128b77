/**
 * The codes of all errors that cross a package's boundary. The set is closed, because screens, exit codes and clients switch
 * over it. A code says what went wrong, never where in the program.
 */
export const ERROR_CODES = [
  // bytes and documents
  'malformed', // not in the expected format
  'unsupported-version', // a format or version that this program does not know
  'digest-mismatch', // other bytes than the digest names
  'signature-invalid', // a signature is missing, invalid or made by another key
  'too-large', // over a documented limit
  // packaging
  'workspace-refused', // a file that cannot be packaged safely
  'image-unknown', // the image or blob is not in the store
  'registry-failed', // an OCI registry refused the request or closed the connection
  // permissions and states
  'unauthenticated',
  'forbidden',
  'not-found',
  'conflict', // not allowed in the current state
  'policy-refused', // a provider's policy does not allow it
  'approval-missing',
  'approval-invalid',
  'attempts-spent',
  'expired',
  'rate-limited',
  // attestation
  'attestation-refused',
  // execution
  'sandbox-unsafe', // a protection is missing; nothing was run
  'backend-unavailable', // the TEE cannot be started
  'key-release-refused',
  'run-failed',
  'preempted', // the machine was switched off during the run
  // the service itself
  'unavailable',
  'internal'
] as const;

/** One of the {@link ERROR_CODES}. */
export type ErrorCode = (typeof ERROR_CODES)[number];

/** The optional parts of a {@link CleanRoomError}. */
export interface CleanRoomErrorOptions extends ErrorOptions {
  /** One plain sentence that says what the person can do now. */
  readonly remedy?: string;
  /** Data for screens and programs. Never a secret, and never a value from a dataset. */
  readonly details?: Readonly<Record<string, string | number | boolean>>;
}

/**
 * An error in words that a person can act on: what happened (`message`), what to do (`remedy`), and a `code` for programs.
 *
 * @example
 * ```ts
 * import { CleanRoomError, isCleanRoomError } from '@clean-room/protocol/errors';
 *
 * const error = new CleanRoomError('expired', 'The approval expired.', { remedy: 'Ask for a new one.' });
 * console.log(isCleanRoomError(error, 'expired'), error.remedy); // true Ask for a new one.
 * ```
 */
export class CleanRoomError extends Error {
  override readonly name = 'CleanRoomError';
  readonly code: ErrorCode;
  readonly remedy: string | undefined;
  readonly details: Readonly<Record<string, string | number | boolean>>;

  constructor(code: ErrorCode, message: string, options: CleanRoomErrorOptions = {}) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.code = code;
    this.remedy = options.remedy;
    this.details = options.details ?? {};
  }
}

/** Returns whether a thrown value is a {@link CleanRoomError}, with the given code if there is one. */
export function isCleanRoomError(error: unknown, code?: ErrorCode): error is CleanRoomError {
  return error instanceof CleanRoomError && (code === undefined || error.code === code);
}
