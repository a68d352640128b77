import type { AuthenticationResponseJSON, RegistrationResponseJSON } from '@simplewebauthn/server';
import { PasskeyAssertion } from '@clean-room/protocol/approvals';
import { checkSchema } from '@clean-room/protocol/documents';
import { CleanRoomError } from '@clean-room/protocol/errors';

/** Parses the JSON that `passkey.js` puts into a form's field `passkey`. Its content is verified later. */
function parseField(form: URLSearchParams): unknown {
  try {
    return JSON.parse(form.get('passkey') ?? '');
  } catch (cause) {
    throw new CleanRoomError('approval-invalid', 'Your passkey did not respond. Nothing was changed.', {
      remedy: 'Try again, or use another device.',
      cause
    });
  }
}

/**
 * Returns the assertion that a browser's passkey made, from a form's field `passkey`.
 * @throws CleanRoomError `approval-invalid` when the field is not JSON
 */
export function readAuthentication(form: URLSearchParams): AuthenticationResponseJSON {
  return parseField(form) as AuthenticationResponseJSON;
}

/**
 * Returns the new passkey that a browser created, from a form's field `passkey`.
 * @throws CleanRoomError `approval-invalid` when the field is not JSON
 */
export function readNewPasskey(form: URLSearchParams): RegistrationResponseJSON {
  return parseField(form) as RegistrationResponseJSON;
}

/**
 * Returns the passkey assertion of a form in the form in which an approval carries it.
 * @throws CleanRoomError `approval-invalid`, `malformed`
 */
export function readPasskeyAssertion(form: URLSearchParams): PasskeyAssertion {
  const { id, response } = readAuthentication(form) as Partial<AuthenticationResponseJSON>;
  const { authenticatorData, clientDataJSON, signature } = response ?? {};
  return checkSchema(
    PasskeyAssertion,
    { credentialId: id, authenticatorData, clientDataJSON, signature },
    'passkey’s response'
  );
}
