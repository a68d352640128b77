import { Type, type Static } from 'typebox';
import { labelledHash } from '../bytes/digest.js';
import { concat, toBase64Url, utf8 } from '../bytes/encoding.js';
import { Closed } from '../documents/fields.js';
import { AttemptKey, keyBytes } from '../documents/keys.js';
import { openForAttempt, sealToAttempt, type AttemptKeyPair } from '../key-release/attempt-key.js';
import { HpkeCiphertext } from '../key-release/hpke-ciphertext.js';

/** The audience of the token with which an attempt registers. Custodians and receipts never accept it. */
export const ATTEMPT_AUDIENCE = 'clean-room:attempt:v1';

/** The maximum age of the token in seconds. */
export const REGISTRATION_TOKEN_SECONDS = 300;

/** The first message of a supervisor. It registers the attempt key, with a token that binds the key to this machine. */
export const AttemptRegistration = Closed({
  attemptKey: AttemptKey,
  token: Type.String({ minLength: 1, maxLength: 32_768 })
});
export type AttemptRegistration = Static<typeof AttemptRegistration>;

/** The coordinator's answer: the attempt's secret of 32 bytes, sealed to the attempt key. */
export const RegisteredAttempt = Closed({ secret: HpkeCiphertext });
export type RegisteredAttempt = Static<typeof RegisteredAttempt>;

/** Returns the nonce of the token: H(label, attempt key, job address). */
export function registrationNonce(attemptKey: AttemptKey, jobAddress: string): string {
  return toBase64Url(labelledHash(ATTEMPT_AUDIENCE, keyBytes(attemptKey), utf8(jobAddress)));
}

function info(jobAddress: string): Uint8Array {
  return concat(utf8('clean-room:attempt-secret:v1'), utf8(jobAddress));
}

/** Seals the secret of an attempt to its key. It opens only for the same job address. */
export async function sealAttemptSecret(
  secret: Uint8Array,
  to: AttemptKey,
  jobAddress: string
): Promise<RegisteredAttempt> {
  return { secret: await sealToAttempt(secret, to, info(jobAddress)) };
}

/**
 * Opens the secret of an attempt.
 *
 * @returns the secret, 32 bytes
 * @throws CleanRoomError `key-release-refused` when it was sealed to another attempt
 */
export function openAttemptSecret(
  registered: RegisteredAttempt,
  key: AttemptKeyPair,
  jobAddress: string
): Promise<Uint8Array> {
  return openForAttempt(registered.secret, key, info(jobAddress));
}
