import { setTimeout as wait } from 'node:timers/promises';
import { utf8, type Digest } from '@clean-room/protocol/bytes';
import { checkSchema, parseStrictJson, type Envelope } from '@clean-room/protocol/documents';
import { CleanRoomError } from '@clean-room/protocol/errors';
import {
  KEY_REQUEST_TOKEN_SECONDS,
  MailboxReply,
  type KeyRequestMessage
} from '@clean-room/protocol/key-release';
import { exchangeBytes } from '../network/exchange.js';
import { retry, type RetryPolicy } from '../network/retry.js';

/** How long to wait for custodians, in milliseconds, and how to ask. */
export interface MailboxRetryPolicy {
  readonly totalMs: number;
  readonly firstPollMs: number;
  readonly longestPollMs: number;
  /** When to leave the request anew with a fresh token, well before the custodian would find the old one stale. */
  readonly renewMs: number;
}

export const MAILBOX_RETRY: MailboxRetryPolicy = {
  totalMs: 3_600_000,
  firstPollMs: 100,
  longestPollMs: 1000,
  renewMs: (KEY_REQUEST_TOKEN_SECONDS - 60) * 1000
};

const CONNECTION: RetryPolicy = { totalMs: 120_000, firstDelayMs: 250, longestDelayMs: 10_000 };
const TIMEOUT_MS = 30_000;
const MAXIMUM_REPLY = 16 * 1024 ** 2;
const NOT_YET = [202, 204, 404];

function unreachable(cause: unknown): CleanRoomError {
  return new CleanRoomError('unavailable', 'The mailbox could not be reached in time.', { cause });
}

async function leave(address: string, message: KeyRequestMessage, signal: AbortSignal): Promise<void> {
  const body = { bytes: utf8(JSON.stringify(message)), type: 'application/json' };
  await retry(
    CONNECTION,
    () =>
      exchangeBytes(
        { method: 'POST', url: address, body, limit: 65_536, timeoutMs: TIMEOUT_MS, signal },
        [200, 201, 202, 204]
      ),
    unreachable,
    signal
  );
}

async function look(
  address: string,
  request: Digest,
  signal: AbortSignal
): Promise<MailboxReply | undefined> {
  const { status, bytes } = await retry(
    CONNECTION,
    () =>
      exchangeBytes(
        { method: 'GET', url: `${address}/${request}`, limit: MAXIMUM_REPLY, timeoutMs: TIMEOUT_MS, signal },
        [200, ...NOT_YET]
      ),
    unreachable,
    signal
  );
  if (status !== 200) return undefined;
  return checkSchema(MailboxReply, parseStrictJson(bytes), 'reply of the mailbox');
}

/**
 * Leaves a request in the untrusted mailbox and waits for the custodian's answer. A mailbox that stays silent or says
 * no can stop a run, nothing more.
 * @param write makes the message, each time with a fresh token
 * @throws CleanRoomError `key-release-refused`, `unavailable`
 */
export async function askThroughMailbox(
  address: string,
  request: Digest,
  write: () => Promise<KeyRequestMessage>,
  patience: MailboxRetryPolicy,
  signal: AbortSignal
): Promise<Envelope> {
  const end = performance.now() + patience.totalMs;
  let pause = patience.firstPollMs;
  while (performance.now() < end) {
    await leave(address, await write(), signal);
    const stale = Math.min(end, performance.now() + patience.renewMs);
    while (performance.now() < stale) {
      const reply = await look(address, request, signal);
      if (reply !== undefined) {
        if ('answer' in reply) return reply.answer;
        throw new CleanRoomError('key-release-refused', `The custodian refused: ${reply.refused}.`);
      }
      await wait(pause, undefined, { signal });
      pause = Math.min(pause * 1.5, patience.longestPollMs);
    }
  }
  throw new CleanRoomError('key-release-refused', 'The custodian did not answer in time.');
}
