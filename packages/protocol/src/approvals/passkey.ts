import { p256 } from '@noble/curves/nist.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { concat, equalBytes, fromBase64Url, fromUtf8, toBase64Url, utf8 } from '../bytes/encoding.js';
import { ed25519Verify } from '../documents/ed25519.js';
import { CleanRoomError } from '../errors/index.js';
import type { Passkey } from '../parties/roster.js';
import type { PasskeyAssertion } from './approval.js';
import { readCoseKey, type CoseKey } from './cose-key.js';

/** Flags of the authenticator data (Web Authentication Level 2, section 6.1). */
const USER_PRESENT = 0x01;
const USER_VERIFIED = 0x04;

function throwInvalid(reason: string): never {
  throw new CleanRoomError('approval-invalid', `The passkey assertion is not valid: ${reason}.`);
}

/**
 * Verifies a WebAuthn assertion (Web Authentication Level 2, section 7.2): type, challenge, origin, relying party, that a
 * person was present and verified, and the signature by the passkey that the roster lists.
 *
 * @param signedBytes - the bytes that the reviewer consented to; their SHA-256 is the challenge
 * @throws CleanRoomError `approval-invalid`
 */
export function verifyPasskeyAssertion(
  assertion: PasskeyAssertion,
  passkey: Passkey,
  signedBytes: Uint8Array
): void {
  if (assertion.credentialId !== passkey.credentialId) throwInvalid('it is from another passkey');
  const clientData = fromBase64Url(assertion.clientDataJSON);
  const client = parseClientData(clientData);
  if (client['type'] !== 'webauthn.get') throwInvalid('it is not an assertion');
  if (client['challenge'] !== toBase64Url(sha256(signedBytes))) throwInvalid('it is for other bytes');
  if (client['origin'] !== passkey.origin) throwInvalid('it is from another origin');
  if (client['crossOrigin'] === true) throwInvalid('it is from a frame inside a page of another origin');

  const authenticator = fromBase64Url(assertion.authenticatorData);
  if (authenticator.length < 37) throwInvalid('its authenticator data is too short');
  if (!equalBytes(authenticator.subarray(0, 32), sha256(utf8(passkey.relyingParty)))) {
    throwInvalid('it is for another relying party');
  }
  const flags = authenticator[32] ?? 0;
  if ((flags & USER_PRESENT) === 0) throwInvalid('no person was present');
  if ((flags & USER_VERIFIED) === 0) throwInvalid('the person was not verified');

  const message = concat(authenticator, sha256(clientData));
  const key = readCoseKey(fromBase64Url(passkey.publicKey));
  const signature = fromBase64Url(assertion.signature);
  if (!isSignatureValid(key, message, signature)) throwInvalid('its signature is not by the listed passkey');
}

function parseClientData(bytes: Uint8Array): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(fromUtf8(bytes));
  } catch {
    throwInvalid('its client data is not JSON');
  }
  if (typeof value !== 'object' || value === null) throwInvalid('its client data is not an object');
  return value as Record<string, unknown>;
}

function isSignatureValid(key: CoseKey, message: Uint8Array, signature: Uint8Array): boolean {
  try {
    return key.algorithm === 'ES256'
      ? p256.verify(signature, message, key.point, { format: 'der', prehash: true, lowS: false })
      : ed25519Verify(key.point, message, signature);
  } catch {
    return false;
  }
}
