import { CleanRoomError } from '@clean-room/protocol/errors';
import { systemCode } from '../system-error.js';
import { redacted } from './address.js';

/** A registry refused, or the connection to it broke off. */
export class RegistryFailure extends CleanRoomError {
  /** Whether the same may work a little later. */
  readonly passing: boolean;
  /** How long the registry asks to wait, in milliseconds. */
  readonly waitMs: number | undefined;

  constructor(
    message: string,
    options: {
      readonly passing: boolean;
      readonly remedy: string;
      readonly status?: number;
      readonly waitMs?: number | undefined;
      readonly cause?: unknown;
    }
  ) {
    const { status, remedy, cause } = options;
    super('registry-failed', message, {
      remedy,
      cause,
      ...(status === undefined ? {} : { details: { status } })
    });
    this.passing = options.passing;
    this.waitMs = options.waitMs;
  }
}

/** What no patience heals. */
const LASTING = /^(?:ENOTFOUND|EPROTO|ERR_TLS_|ERR_SSL_|CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_)/;

/** The connection failed before there was a whole answer. */
export function brokenOff(url: URL, cause: unknown): RegistryFailure {
  const code = systemCode(cause) ?? 'no answer';
  const lasting = LASTING.test(code);
  return new RegistryFailure(`The connection to ${redacted(url)} broke off (${code}).`, {
    passing: !lasting,
    remedy: lasting
      ? 'Check the name of the registry and its certificate.'
      : 'Nothing is lost: what the registry has is not sent again. Try again when it can be reached.',
    cause
  });
}

const PASSING = new Set([408, 425, 429, 500, 502, 503, 504]);
const LONGEST_WAIT_MS = 60_000;

function waitOf(header: string | undefined): number | undefined {
  if (header === undefined || !/^\d{1,6}$/.test(header)) return undefined;
  return Math.min(Number(header) * 1000, LONGEST_WAIT_MS);
}

function remedyFor(status: number, host: string): string {
  if (status === 401) return `Log in with "docker login ${host}".`;
  if (status === 403)
    return `Ask for the right to push to and pull from ${host}, or log in as somebody who has it.`;
  if (status === 404) return 'Check the name of the repository; some registries want it to be made first.';
  return PASSING.has(status) ? 'Nothing is lost. Try again later.' : 'Ask those who run the registry.';
}

/** The registry's own words, as much as can be shown anywhere. */
function wordsOf(body: string): string {
  try {
    const { errors } = JSON.parse(body) as { errors?: { code?: unknown; message?: unknown }[] };
    const words = (errors ?? [])
      .slice(0, 3)
      .map(({ code, message }) => `${String(code)}: ${String(message)}`);
    return words
      .join('; ')
      .replace(/[^\x20-\x7e]/g, '?')
      .slice(0, 300);
  } catch {
    return '';
  }
}

/** @param body the beginning of the answer's body */
export function refused(
  url: URL,
  answer: { readonly status: number; readonly retryAfter: string | undefined },
  body: string
): RegistryFailure {
  const words = wordsOf(body);
  const { status } = answer;
  return new RegistryFailure(`${redacted(url)} answered ${status}${words === '' ? '' : ` (${words})`}.`, {
    passing: PASSING.has(status),
    remedy: remedyFor(status, url.host),
    status,
    waitMs: waitOf(answer.retryAfter)
  });
}
