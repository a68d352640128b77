import { isCleanRoomError, type ErrorCode } from '@clean-room/protocol/errors';
import type { MailboxReply } from '@clean-room/protocol/key-release';
import { routes, type KeyRequestWaiting } from '@clean-room/api/coordinator';
import type { CustodianContext } from '../context.js';
import { releaseKeys } from './release.js';

/** Errors that are not caused by the request. The request stays in the mailbox and is tried again. */
const TRANSIENT: readonly ErrorCode[] = ['unavailable', 'rate-limited', 'internal'];

/** Returns the reply to one request, or undefined when it has to be tried again. */
async function replyTo(
  context: CustodianContext,
  { message, run }: KeyRequestWaiting
): Promise<MailboxReply | undefined> {
  try {
    return { answer: await releaseKeys(context, message) };
  } catch (error) {
    if (!isCleanRoomError(error) || TRANSIENT.includes(error.code)) {
      context.logger.error({ err: error, run }, 'a key request could not be processed and will be retried');
      return undefined;
    }
    context.logger.warn({ run, code: error.code, reason: error.message }, 'key release refused');
    return { refused: error.code };
  }
}

/**
 * Answers every key request that waits in the mailbox.
 * @returns the number of requests that were answered or refused
 */
export async function answerMailbox(context: CustodianContext): Promise<number> {
  const { items } = await context.coordinator.call(routes.listKeyRequests, {});
  let answered = 0;
  for (const waiting of items) {
    const reply = await replyTo(context, waiting);
    if (reply === undefined) continue;
    await context.coordinator.call(routes.answerKeyRequest, {
      params: { request: waiting.request },
      body: reply
    });
    answered += 1;
  }
  return answered;
}
