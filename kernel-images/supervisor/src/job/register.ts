import type { RetryPolicy } from '@clean-room/node-support';
import { utf8 } from '@clean-room/protocol/bytes';
import { checkSchema, parseStrictJson } from '@clean-room/protocol/documents';
import { CleanRoomError } from '@clean-room/protocol/errors';
import {
  ATTEMPT_AUDIENCE,
  ATTEMPT_SECONDS,
  JOB_VARIABLE,
  RegisteredAttempt,
  isJobAddress,
  openAttemptSecret,
  registrationNonce,
  type AttemptRegistration
} from '@clean-room/protocol/jobs';
import type { AttemptKeyPair } from '@clean-room/protocol/key-release';
import type { LauncherClient } from '../attestation/launcher.js';
import { exchangeBytes } from '../network/exchange.js';
import { retryTransient, type TransientFailure } from '../network/retry.js';
import { JobChannel } from './channel.js';

const TIMEOUT_MS = 60_000;
const RETRY: RetryPolicy = {
  totalMs: ATTEMPT_SECONDS.start * 1000,
  firstDelayMs: 250,
  longestDelayMs: 15_000
};
/** After this time a token may be too old for the coordinator, so the next try takes a fresh one. */
const TOKEN_MS = 240_000;

/**
 * Returns the job's address from the one environment variable that the operator may set. Only its form is checked.
 *
 * @throws CleanRoomError `malformed`
 */
export function jobAddress(environment: Readonly<Record<string, string | undefined>>): string {
  const address = environment[JOB_VARIABLE];
  if (address === undefined || !isJobAddress(address)) {
    throw new CleanRoomError('malformed', `${JOB_VARIABLE} is not the address of a job.`);
  }
  return address;
}

/** Returns a function that takes a token, and takes another one when the last is old. */
function freshToken(launcher: LauncherClient, nonce: string, signal?: AbortSignal): () => Promise<string> {
  let token: string | undefined;
  let takenAt = 0;
  return async () => {
    if (token === undefined || performance.now() - takenAt > TOKEN_MS) {
      takenAt = performance.now();
      token = await launcher.token({ audience: ATTEMPT_AUDIENCE, nonce }, signal);
    }
    return token;
  };
}

/**
 * Registers the attempt key with an attestation token that names the key and the job's address, and opens the channel that is
 * proven with the secret in the answer. The coordinator thereby knows that later messages come from this machine.
 *
 * @throws CleanRoomError `attestation-refused`, `conflict` when another key is registered, `not-found`, `unavailable`
 */
export async function registerAttempt(
  address: string,
  key: AttemptKeyPair,
  launcher: LauncherClient,
  signal?: AbortSignal,
  retryPolicy: RetryPolicy = RETRY
): Promise<JobChannel> {
  const tokenOf = freshToken(launcher, registrationNonce(key.publicKey, address), signal);
  const register = async () => {
    const registration: AttemptRegistration = { attemptKey: key.publicKey, token: await tokenOf() };
    return exchangeBytes({
      method: 'POST',
      url: `${address}/registration`,
      headers: { 'content-type': 'application/json' },
      body: utf8(JSON.stringify(registration)),
      limit: 65_536,
      timeoutMs: TIMEOUT_MS,
      ...(signal === undefined ? {} : { signal })
    });
  };
  const { bytes } = await retryTransient(
    retryPolicy,
    register,
    (cause: TransientFailure) =>
      new CleanRoomError('unavailable', 'The attempt could not be registered in time.', { cause }),
    signal
  );
  const registered = checkSchema(RegisteredAttempt, parseStrictJson(bytes), 'registration');
  return new JobChannel(address, await openAttemptSecret(registered, key, address));
}
