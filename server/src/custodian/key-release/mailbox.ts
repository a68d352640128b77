import { isCleanRoomError, type ErrorCode } from '@clean-room/protocol/errors';
import { routes, type KeyRequestWaiting } from '@clean-room/api/coordinator';
import type { CustodianContext } from '../context.js';
import { nextStep, type KeyReleaseStep } from './release.js';

/** Errors that are not caused by the request. The request stays in the mailbox and is tried again. */
const TRANSIENT: readonly ErrorCode[] = ['unavailable', 'rate-limited', 'internal'];

/** Returns the next step about one request, a refusal, or undefined when it has to be tried again. */
async function decide(
  context: CustodianContext,
  waiting: KeyRequestWaiting
): Promise<KeyReleaseStep | { readonly refused: ErrorCode } | undefined> {
  const { run } = waiting;
  try {
    return await nextStep(context, waiting);
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
 * Takes all steps about one request that are possible now.
 *
 * @returns whether the request was answered or refused
 */
async function processRequest(context: CustodianContext, waiting: KeyRequestWaiting): Promise<boolean> {
  const { coordinator } = context;
  const params = { request: waiting.request };
  const step = await decide(context, waiting);
  if (step === undefined || 'wait' in step) return false;
  if ('tokensWanted' in step) {
    await coordinator.call(routes.askForToken, { params, body: step });
    return false;
  }
  if ('ready' in step) {
    await coordinator.call(routes.declareReady, { params, body: step });
    return processRequest(context, { ...waiting, ready: [...waiting.ready, step.ready] });
  }
  await coordinator.call(routes.answerKeyRequest, { params, body: step });
  return true;
}

/**
 * Processes every key request that waits in the mailbox. When the coordinator does not take a message, because the run has ended
 * for instance, the other requests are still processed.
 *
 * @returns the number of requests that were answered or refused
 */
export async function answerMailbox(context: CustodianContext): Promise<number> {
  const { items } = await context.coordinator.call(routes.listKeyRequests, {});
  let answered = 0;
  for (const waiting of items) {
    try {
      if (await processRequest(context, waiting)) answered += 1;
    } catch (error) {
      context.logger.warn({ err: error, run: waiting.run }, 'a message to the mailbox was not taken');
    }
  }
  return answered;
}
