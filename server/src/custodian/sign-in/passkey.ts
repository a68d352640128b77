import { verifyAuthenticationResponse, type AuthenticationResponseJSON } from '@simplewebauthn/server';
import { fromBase64Url } from '@clean-room/protocol/bytes';
import { CleanRoomError } from '@clean-room/protocol/errors';
import type { Person } from '@clean-room/protocol/parties';
import type { CustodianContext } from '../context.js';
import { reviewers } from './people.js';

function refuse(cause?: unknown): CleanRoomError {
  return new CleanRoomError(
    'unauthenticated',
    'The passkey is not one that the roster lists, or its answer does not hold.',
    {
      remedy: 'Use the passkey that you added here, or ask for a sign-in link.',
      cause
    }
  );
}

/** The reviewer whose passkey has answered. @throws CleanRoomError `unauthenticated` */
export async function personOfPasskey(
  context: CustodianContext,
  response: AuthenticationResponseJSON,
  challenge: string
): Promise<Person> {
  const { config } = context;
  for (const person of await reviewers(context)) {
    const passkey = person.passkeys.find(({ credentialId }) => credentialId === response.id);
    if (passkey === undefined) continue;
    try {
      const { verified } = await verifyAuthenticationResponse({
        response,
        expectedChallenge: challenge,
        expectedOrigin: config.origin,
        expectedRPID: new URL(config.origin).hostname,
        requireUserVerification: true,
        credential: {
          id: passkey.credentialId,
          publicKey: new Uint8Array(fromBase64Url(passkey.publicKey)),
          counter: 0
        }
      });
      if (verified) return person;
    } catch (cause) {
      throw refuse(cause);
    }
  }
  throw refuse();
}
