import { setTimeout as wait } from 'node:timers/promises';
import type { RetryPolicy } from '@clean-room/node-support';
import type { Digest } from '@clean-room/protocol/bytes';
import type { Envelope } from '@clean-room/protocol/documents';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { ATTEMPT_SECONDS } from '@clean-room/protocol/jobs';
import { Mailbox, type KeyRequestMessage, type KeyRequestToken } from '@clean-room/protocol/key-release';
import type { JobChannel } from '../job/channel.js';

/** How long to wait for the custodians' answers. Times are in milliseconds. */
export interface MailboxRetryPolicy {
  readonly totalMs: number;
  /** Shortest time between two requests to a mailbox that answers at once although nothing has changed. */
  readonly pollMs: number;
}

/** The policy of a run: custodians have one hour to answer. */
export const MAILBOX_RETRY: MailboxRetryPolicy = { totalMs: ATTEMPT_SECONDS.keys * 1000, pollMs: 200 };

/** A mailbox outage that is shorter than the waiting time of a run does not end the run. */
const CONNECTION_RETRY: RetryPolicy = {
  totalMs: ATTEMPT_SECONDS.keys * 1000,
  firstDelayMs: 250,
  longestDelayMs: 10_000
};
const MAX_MAILBOX_BYTES = 64 * 1024 ** 2;

/** A key request that is sent to one custodian. */
export interface SentRequest {
  /** Digest of the request's bytes. */
  readonly digest: Digest;
  readonly message: KeyRequestMessage;
  /** Takes a fresh token over the request. Called only when the custodian has asked for it. */
  takeToken(signal: AbortSignal): Promise<string>;
}

/** Returns the answers that are in the mailbox, by the digest of their requests. */
function answersIn(mailbox: Mailbox): Map<Digest, Envelope> {
  const answers = new Map<Digest, Envelope>();
  for (const { request, reply } of mailbox.requests) {
    if (reply === undefined) continue;
    if (!('answer' in reply)) {
      throw new CleanRoomError('key-release-refused', `A custodian refused: ${reply.refused}.`);
    }
    answers.set(request, reply.answer);
  }
  return answers;
}

/**
 * Posts requests to the untrusted mailbox, sends the tokens that custodians ask for, and waits for all answers. A mailbox that
 * does not answer, or that reports a refusal, can stop a run but nothing else.
 *
 * @returns the answers by the digest of their requests
 * @throws CleanRoomError `key-release-refused`, `unavailable`
 */
export async function exchangeRequests(
  channel: JobChannel,
  requests: readonly SentRequest[],
  policy: MailboxRetryPolicy,
  signal: AbortSignal
): Promise<Map<Digest, Envelope>> {
  const options = { retryPolicy: CONNECTION_RETRY, signal };
  const end = performance.now() + policy.totalMs;
  for (const { message } of requests) await channel.post('/mailbox', message, options);
  const sent = new Map<Digest, number>();
  let version = 0;
  while (performance.now() < end) {
    const mailbox = await channel.get(`/mailbox?after=${version}`, Mailbox, {
      ...options,
      limit: MAX_MAILBOX_BYTES
    });
    const answers = answersIn(mailbox);
    if (requests.every(({ digest }) => answers.has(digest))) return answers;
    for (const request of requests) {
      const { tokensWanted = 0 } = mailbox.requests.find(entry => entry.request === request.digest) ?? {};
      if (answers.has(request.digest) || tokensWanted <= (sent.get(request.digest) ?? 0)) continue;
      const body: KeyRequestToken = { token: await request.takeToken(signal) };
      await channel.post(`/mailbox/${request.digest}/token`, body, options);
      sent.set(request.digest, tokensWanted);
    }
    if (mailbox.version <= version) await wait(policy.pollMs, undefined, { signal });
    version = mailbox.version;
  }
  throw new CleanRoomError('key-release-refused', 'The custodians did not answer in time.');
}
