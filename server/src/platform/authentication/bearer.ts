import type { FastifyRequest } from 'fastify';
import { CleanRoomError } from '@clean-room/protocol/errors';
import type { Authenticator, Identity } from './authenticator.js';

/** @throws CleanRoomError `unauthenticated`; never says which part of a credential was wrong */
export async function authenticateBearer(
  request: FastifyRequest,
  authenticator: Authenticator
): Promise<Identity> {
  const [, token] = /^Bearer ([\x21-\x7e]{1,4096})$/i.exec(request.headers.authorization ?? '') ?? [];
  const identity = token === undefined ? undefined : await authenticator.authenticate(token);
  if (identity === undefined) {
    throw new CleanRoomError('unauthenticated', 'The server does not know who you are.', {
      remedy: 'Sign in again: your token is missing, wrong or no longer valid.'
    });
  }
  return identity;
}
