import { retry, systemErrorCode, type RetryPolicy } from '@clean-room/node-support';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { redactedUrl } from './address.js';

/** Options of a `RegistryFailure`. */
export interface RegistryFailureOptions {
  readonly isTransient: boolean;
  readonly remedy: string;
  /** The status of the registry's response, if there was one. */
  readonly status?: number;
  readonly retryAfterMs?: number | undefined;
  readonly cause?: unknown;
}

/** Thrown when a registry refuses a request or the connection to it breaks. */
export class RegistryFailure extends CleanRoomError {
  /** Whether the same request may succeed a little later. */
  readonly isTransient: boolean;
  /** The delay that the registry asks for, in milliseconds. */
  readonly retryAfterMs: number | undefined;

  constructor(message: string, options: RegistryFailureOptions) {
    const { status, remedy, cause } = options;
    super('registry-failed', message, {
      remedy,
      cause,
      ...(status === undefined ? {} : { details: { status } })
    });
    this.isTransient = options.isTransient;
    this.retryAfterMs = options.retryAfterMs;
  }
}

const CONTACT_OPERATOR = 'Contact the operator of the registry.';

/** Returns the error for a registry that breaks the distribution specification. */
export function protocolViolation(message: string): RegistryFailure {
  return new RegistryFailure(message, { isTransient: false, remedy: CONTACT_OPERATOR });
}

/** The retry policy for registries: 6 attempts within about 6 seconds. */
export const DEFAULT_RETRY_POLICY: RetryPolicy = { attempts: 6, firstDelayMs: 200, longestDelayMs: 10_000 };

/** Repeats an operation while it throws transient failures, with the delay that the registry asks for, if any. */
export function retryRegistry<T>(policy: RetryPolicy, operation: () => Promise<T>): Promise<T> {
  return retry(policy, operation, {
    isTransient: error => error instanceof RegistryFailure && error.isTransient,
    requestedDelayMs: error => (error instanceof RegistryFailure ? error.retryAfterMs : undefined)
  });
}

/** Codes of connection errors that retrying cannot fix. */
const PERMANENT = /^(?:ENOTFOUND|EPROTO|ERR_TLS_|ERR_SSL_|CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_)/;

/** Returns the error for a connection that failed before the response was complete. */
export function connectionError(url: URL, cause: unknown): RegistryFailure {
  const code = systemErrorCode(cause) ?? 'no answer';
  const isPermanent = PERMANENT.test(code);
  return new RegistryFailure(`The connection to ${redactedUrl(url)} failed (${code}).`, {
    isTransient: !isPermanent,
    remedy: isPermanent
      ? 'Check the name of the registry and its certificate.'
      : 'Nothing is lost: data that the registry already has is not sent again. Try again when the registry can be reached.',
    cause
  });
}

const TRANSIENT_STATUSES = new Set([408, 425, 429, 500, 502, 503, 504]);
const LONGEST_RETRY_AFTER_MS = 60_000;

/** Reads a `Retry-After` header in seconds. Dates are ignored. */
function parseRetryAfter(header: string | undefined): number | undefined {
  if (header === undefined || !/^\d{1,6}$/.test(header)) return undefined;
  return Math.min(Number(header) * 1000, LONGEST_RETRY_AFTER_MS);
}

function remedyFor(status: number, host: string): string {
  if (status === 401) return `Log in with "docker login ${host}".`;
  if (status === 403)
    return `Ask for the right to push to and pull from ${host}, or log in as a person who has it.`;
  if (status === 404) return 'Check the name of the repository. In some registries you must create it first.';
  return TRANSIENT_STATUSES.has(status) ? 'Nothing is lost. Try again later.' : CONTACT_OPERATOR;
}

/** Returns the registry's own error messages, shortened and reduced to printable ASCII. */
function messagesIn(body: string): string {
  try {
    const { errors } = JSON.parse(body) as { errors?: { code?: unknown; message?: unknown }[] };
    const messages = (errors ?? [])
      .slice(0, 3)
      .map(({ code, message }) => `${String(code)}: ${String(message)}`);
    return messages
      .join('; ')
      .replace(/[^\x20-\x7e]/g, '?')
      .slice(0, 300);
  } catch {
    return '';
  }
}

/**
 * Returns the error for a response with an unexpected status.
 *
 * @param body - the beginning of the response's body
 */
export function statusError(
  url: URL,
  answer: { readonly status: number; readonly retryAfter: string | undefined },
  body: string
): RegistryFailure {
  const messages = messagesIn(body);
  const { status } = answer;
  return new RegistryFailure(
    `${redactedUrl(url)} answered ${status}${messages === '' ? '' : ` (${messages})`}.`,
    {
      isTransient: TRANSIENT_STATUSES.has(status),
      remedy: remedyFor(status, url.host),
      status,
      retryAfterMs: parseRetryAfter(answer.retryAfter)
    }
  );
}
