import {
  generateRegistrationOptions,
  verifyRegistrationResponse,
  type PublicKeyCredentialCreationOptionsJSON,
  type RegistrationResponseJSON
} from '@simplewebauthn/server';
import { toBase64Url } from '@clean-room/protocol/bytes';
import { CleanRoomError } from '@clean-room/protocol/errors';
import type { Passkey, Person } from '@clean-room/protocol/parties';
import type { CustodianContext } from '../context.js';

/** COSE algorithms ES256 and EdDSA, which every verifier of approvals supports. */
const ALGORITHMS = [-7, -8];

/**
 * Returns the options with which a browser creates a passkey for this origin.
 * @param challenge - base64url
 */
export function registrationOptions(
  { config }: CustodianContext,
  person: Person,
  challenge: string
): Promise<PublicKeyCredentialCreationOptionsJSON> {
  return generateRegistrationOptions({
    rpName: `Custodian of ${config.party}`,
    rpID: new URL(config.origin).hostname,
    userName: person.id,
    userDisplayName: person.name,
    challenge: new Uint8Array(Buffer.from(challenge, 'base64url')),
    attestationType: 'none',
    excludeCredentials: person.passkeys.map(({ credentialId }) => ({ id: credentialId })),
    authenticatorSelection: { residentKey: 'preferred', userVerification: 'required' },
    supportedAlgorithmIDs: ALGORITHMS
  });
}

/**
 * Verifies a passkey that a browser has created, and returns it in the form in which a roster lists it.
 * @throws CleanRoomError `approval-invalid`
 */
export async function readRegistration(
  { config }: CustodianContext,
  response: RegistrationResponseJSON,
  challenge: string
): Promise<Passkey> {
  const relyingParty = new URL(config.origin).hostname;
  try {
    const { registrationInfo } = await verifyRegistrationResponse({
      response,
      expectedChallenge: challenge,
      expectedOrigin: config.origin,
      expectedRPID: relyingParty,
      requireUserVerification: true,
      supportedAlgorithmIDs: ALGORITHMS
    });
    if (registrationInfo === undefined) throw new Error('the registration is not valid');
    const { id, publicKey } = registrationInfo.credential;
    return { credentialId: id, publicKey: toBase64Url(publicKey), relyingParty, origin: config.origin };
  } catch (cause) {
    throw new CleanRoomError(
      'approval-invalid',
      'The new passkey could not be verified. Nothing was added.',
      {
        remedy: 'Try again, or use another device.',
        cause
      }
    );
  }
}
