import { p256 } from '@noble/curves/nist.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { concat, equalBytes, fromBase64Url, fromUtf8, toBase64Url, utf8 } from '../bytes/encoding.js';
import { ed25519Verify } from '../documents/ed25519.js';
import { CleanRoomError } from '../errors/index.js';
import type { Passkey } from '../parties/roster.js';
import type { PasskeyAssertion } from './approval.js';
import { readCoseKey } from './cose-key.js';

const USER_PRESENT = 0x01;
const USER_VERIFIED = 0x04;

function refuse(reason: string): never {
  throw new CleanRoomError('approval-invalid', `The passkey's answer does not hold: ${reason}.`);
}

/**
 * Checks a WebAuthn assertion (Web Authentication Level 2 §7.2): type, challenge, origin, relying party, that a person
 * was present and verified, and the signature by the passkey the roster lists.
 * @param signedBytes what the reviewer consented to; the challenge is its SHA-256
 * @throws CleanRoomError `approval-invalid`
 */
export function verifyPasskeyAssertion(
  assertion: PasskeyAssertion,
  passkey: Passkey,
  signedBytes: Uint8Array
): void {
  if (assertion.credentialId !== passkey.credentialId) refuse('it is from another passkey');
  const clientData = fromBase64Url(assertion.clientDataJSON);
  const client = parseClientData(clientData);
  if (client['type'] !== 'webauthn.get') refuse('it is not an assertion');
  if (client['challenge'] !== toBase64Url(sha256(signedBytes))) refuse('it was given for something else');
  if (client['origin'] !== passkey.origin) refuse('it was given on another origin');
  if (client['crossOrigin'] === true) refuse('it was given inside a frame of another origin');

  const authenticator = fromBase64Url(assertion.authenticatorData);
  if (authenticator.length < 37) refuse('its authenticator data is too short');
  if (!equalBytes(authenticator.subarray(0, 32), sha256(utf8(passkey.relyingParty)))) {
    refuse('it is for another relying party');
  }
  const flags = authenticator[32] ?? 0;
  if ((flags & USER_PRESENT) === 0) refuse('nobody was present');
  if ((flags & USER_VERIFIED) === 0) refuse('the person was not verified');

  const message = concat(authenticator, sha256(clientData));
  const key = readCoseKey(fromBase64Url(passkey.publicKey));
  const signature = fromBase64Url(assertion.signature);
  if (!signatureHolds(key, message, signature)) refuse('its signature is not by the listed passkey');
}

function parseClientData(bytes: Uint8Array): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(fromUtf8(bytes));
  } catch {
    refuse('its client data is not JSON');
  }
  if (typeof value !== 'object' || value === null) refuse('its client data is not an object');
  return value as Record<string, unknown>;
}

function signatureHolds(
  key: ReturnType<typeof readCoseKey>,
  message: Uint8Array,
  signature: Uint8Array
): boolean {
  try {
    return key.algorithm === 'ES256'
      ? p256.verify(signature, message, key.point, { format: 'der', prehash: true, lowS: false })
      : ed25519Verify(key.point, message, signature);
  } catch {
    return false;
  }
}
