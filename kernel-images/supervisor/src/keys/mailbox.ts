import { setTimeout as wait } from 'node:timers/promises';
import type { RetryPolicy } from '@clean-room/node-support';
import { utf8, type Digest } from '@clean-room/protocol/bytes';
import { checkSchema, parseStrictJson, type Envelope } from '@clean-room/protocol/documents';
import { CleanRoomError } from '@clean-room/protocol/errors';
import {
  KEY_REQUEST_TOKEN_SECONDS,
  MailboxReply,
  type KeyRequestMessage
} from '@clean-room/protocol/key-release';
import { exchangeBytes } from '../network/exchange.js';
import { retryTransient } from '../network/retry.js';

/** How long to wait for a custodian's answer, and how often to poll for it. Times are in milliseconds. */
export interface MailboxRetryPolicy {
  readonly totalMs: number;
  readonly firstPollMs: number;
  readonly longestPollMs: number;
  /** When to post the request again with a fresh token, well before the custodian would refuse the old one as stale. */
  readonly renewMs: number;
}

/** The policy of a run: custodians have one hour to answer. */
export const MAILBOX_RETRY: MailboxRetryPolicy = {
  totalMs: 3_600_000,
  firstPollMs: 100,
  longestPollMs: 1000,
  renewMs: (KEY_REQUEST_TOKEN_SECONDS - 60) * 1000
};

const CONNECTION_RETRY: RetryPolicy = { totalMs: 120_000, firstDelayMs: 250, longestDelayMs: 10_000 };
const TIMEOUT_MS = 30_000;
const MAX_REPLY_BYTES = 16 * 1024 ** 2;
/** Statuses of a mailbox that has no reply yet. */
const NO_REPLY_YET = [202, 204, 404];

function unreachable(cause: unknown): CleanRoomError {
  return new CleanRoomError('unavailable', 'The mailbox could not be reached in time.', { cause });
}

async function postMessage(address: string, message: KeyRequestMessage, signal: AbortSignal): Promise<void> {
  const body = { bytes: utf8(JSON.stringify(message)), type: 'application/json' };
  await retryTransient(
    CONNECTION_RETRY,
    () =>
      exchangeBytes(
        { method: 'POST', url: address, body, limit: 65_536, timeoutMs: TIMEOUT_MS, signal },
        [200, 201, 202, 204]
      ),
    unreachable,
    signal
  );
}

/** Returns the reply to a request, or `undefined` when there is none yet. */
async function fetchReply(
  address: string,
  request: Digest,
  signal: AbortSignal
): Promise<MailboxReply | undefined> {
  const { status, bytes } = await retryTransient(
    CONNECTION_RETRY,
    () =>
      exchangeBytes(
        {
          method: 'GET',
          url: `${address}/${request}`,
          limit: MAX_REPLY_BYTES,
          timeoutMs: TIMEOUT_MS,
          signal
        },
        [200, ...NO_REPLY_YET]
      ),
    unreachable,
    signal
  );
  if (status !== 200) return undefined;
  return checkSchema(MailboxReply, parseStrictJson(bytes), 'reply of the mailbox');
}

/**
 * Posts a request to the untrusted mailbox and waits for the custodian's answer. A mailbox that does not answer, or
 * that reports a refusal, can stop a run but nothing else.
 *
 * @param address - URL of the mailbox
 * @param request - digest of the request
 * @param buildMessage - returns the message with a fresh token
 * @throws CleanRoomError `key-release-refused`, `unavailable`
 */
export async function requestThroughMailbox(
  address: string,
  request: Digest,
  buildMessage: () => Promise<KeyRequestMessage>,
  policy: MailboxRetryPolicy,
  signal: AbortSignal
): Promise<Envelope> {
  const end = performance.now() + policy.totalMs;
  let delay = policy.firstPollMs;
  while (performance.now() < end) {
    await postMessage(address, await buildMessage(), signal);
    const renewal = Math.min(end, performance.now() + policy.renewMs);
    while (performance.now() < renewal) {
      const reply = await fetchReply(address, request, signal);
      if (reply !== undefined) {
        if ('answer' in reply) return reply.answer;
        throw new CleanRoomError('key-release-refused', `The custodian refused: ${reply.refused}.`);
      }
      await wait(delay, undefined, { signal });
      delay = Math.min(delay * 1.5, policy.longestPollMs);
    }
  }
  throw new CleanRoomError('key-release-refused', 'The custodian did not answer in time.');
}
