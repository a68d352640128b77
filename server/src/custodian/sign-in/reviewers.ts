import { verifyAuthenticationResponse, type AuthenticationResponseJSON } from '@simplewebauthn/server';
import { fromBase64Url } from '@clean-room/protocol/bytes';
import { CleanRoomError } from '@clean-room/protocol/errors';
import type { Person } from '@clean-room/protocol/parties';
import type { CustodianContext } from '../context.js';

/** Returns the party's reviewers in its newest roster. */
export async function reviewers({ rosters, config }: CustodianContext): Promise<Person[]> {
  const newest = await rosters.newest(config.party, config.rootKey);
  return newest?.roster.people.filter(({ roles }) => roles.includes('reviewer')) ?? [];
}

/**
 * Returns the reviewer with this id.
 * @throws CleanRoomError `forbidden` when the newest roster does not list the person as a reviewer of this party
 */
export async function requireReviewer(context: CustodianContext, id: string): Promise<Person> {
  const person = (await reviewers(context)).find(candidate => candidate.id === id);
  if (person !== undefined) return person;
  throw new CleanRoomError(
    'forbidden',
    `The roster of ${context.config.party} does not list you as a reviewer.`,
    { remedy: 'Ask the person who manages your party’s roster to add you.' }
  );
}

function invalidPasskey(cause?: unknown): CleanRoomError {
  return new CleanRoomError(
    'unauthenticated',
    'The roster does not list this passkey, or its signature is not valid.',
    { remedy: 'Use the passkey that you added here, or ask for a sign-in link.', cause }
  );
}

/**
 * Returns the reviewer who signed a challenge with a passkey of the roster.
 *
 * @param challenge - base64url
 * @throws CleanRoomError `unauthenticated`
 */
export async function reviewerOfPasskey(
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
      throw invalidPasskey(cause);
    }
  }
  throw invalidPasskey();
}
