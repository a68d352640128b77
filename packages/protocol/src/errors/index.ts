/**
 * Every failure that crosses a room's border carries one of these codes. The set is closed: screens, exit codes and
 * clients switch over it. A code names what went wrong, never where in the program.
 */
export const ERROR_CODES = [
  // bytes and documents
  'malformed', // not the format it claims to be
  'unsupported-version', // a format or version this program does not know
  'digest-mismatch', // the bytes are not the ones that were named
  'signature-invalid', // a signature does not hold, or is by another key
  'too-large', // over a stated limit
  // packaging
  'workspace-refused', // a file that can't be packaged safely
  'image-unknown', // the image or blob is not in the store
  'registry-failed', // an OCI registry refused or broke off
  // rights and state
  'unauthenticated',
  'forbidden',
  'not-found',
  'conflict', // not allowed in the present state
  'policy-refused', // a provider's rules say no
  'approval-missing',
  'approval-invalid',
  'attempts-spent',
  'expired',
  'rate-limited',
  // attestation
  'attestation-refused',
  // execution
  'sandbox-unsafe', // a protection is missing; nothing was run
  'backend-unavailable', // the TEE can't be started
  'key-release-refused',
  'run-failed',
  // the service itself
  'unavailable',
  'internal'
] as const;

export type ErrorCode = (typeof ERROR_CODES)[number];

export interface CleanRoomErrorOptions extends ErrorOptions {
  /** What the person can do now: one plain sentence. */
  readonly remedy?: string;
  /** Data for screens and programs. Never a secret, never a value from a dataset. */
  readonly details?: Readonly<Record<string, string | number | boolean>>;
}

/** A failure in words a person can act on: what happened (`message`), what to do (`remedy`), and its `code`. */
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

export function isCleanRoomError(error: unknown, code?: ErrorCode): error is CleanRoomError {
  return error instanceof CleanRoomError && (code === undefined || error.code === code);
}
