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

/** ES256 and EdDSA: what approvals are checked with everywhere. */
const ALGORITHMS = [-7, -8];

/** What the browser needs to make a passkey for this origin. */
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

/** The passkey that the browser has made, as a roster lists it. @throws CleanRoomError `approval-invalid` */
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
    if (registrationInfo === undefined) throw new Error('the registration does not hold');
    const { id, publicKey } = registrationInfo.credential;
    return { credentialId: id, publicKey: toBase64Url(publicKey), relyingParty, origin: config.origin };
  } catch (cause) {
    throw new CleanRoomError(
      'approval-invalid',
      'The new passkey’s answer does not hold. Nothing was added.',
      {
        remedy: 'Try again, or use another device.',
        cause
      }
    );
  }
}
