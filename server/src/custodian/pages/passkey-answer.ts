import type { AuthenticationResponseJSON } from '@simplewebauthn/server';
import { PasskeyAssertion } from '@clean-room/protocol/approvals';
import { checkSchema } from '@clean-room/protocol/documents';
import { CleanRoomError } from '@clean-room/protocol/errors';

/** What the browser's passkey said. */
export function assertionFrom(text: string): AuthenticationResponseJSON {
  try {
    return JSON.parse(text) as AuthenticationResponseJSON;
  } catch (cause) {
    throw new CleanRoomError('approval-invalid', 'Your passkey did not answer. Nothing was approved.', {
      remedy: 'Try again, or use another device.',
      cause
    });
  }
}

/** The same, as an approval carries it. */
export function asPasskeyAssertion(text: string): PasskeyAssertion {
  const { id, response } = assertionFrom(text);
  const { authenticatorData, clientDataJSON, signature } = response ?? {};
  return checkSchema(
    PasskeyAssertion,
    { credentialId: id, authenticatorData, clientDataJSON, signature },
    'passkey’s answer'
  );
}
