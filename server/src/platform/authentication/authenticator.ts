import type { FastifyRequest } from 'fastify';
import { createHash, timingSafeEqual } from 'node:crypto';
import { CleanRoomError } from '@clean-room/protocol/errors';

/** A person of a party, by the id that the party's roster gives them. */
export interface ActsAs {
  readonly party: string;
  readonly person: string;
}

/** The person, custodian or operator that a credential belongs to. The rights of people and custodians follow from rosters, not from the identity. */
export type Identity =
  | { readonly kind: 'person'; readonly subject: string; readonly acts: readonly ActsAs[] }
  | { readonly kind: 'custodian'; readonly party: string }
  | { readonly kind: 'operator' };

/** Turns a bearer token into an identity. */
export interface Authenticator {
  /**
   * Returns the identity that a token belongs to, or undefined when this authenticator does not know the token.
   *
   * @throws CleanRoomError `unavailable` when the token cannot be checked, `forbidden` when it was issued for another service
   */
  authenticate(token: string): Promise<Identity | undefined>;
}

/** Returns the SHA-256 hash of a token, so that tokens need not be kept in memory. */
export function hashToken(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

/** Accepts one configured token for one identity. Keeps only the token's hash. */
export class FixedToken implements Authenticator {
  readonly #hash: Buffer;
  readonly #identity: Identity;

  constructor(token: string, identity: Identity) {
    this.#hash = hashToken(token);
    this.#identity = identity;
  }

  async authenticate(token: string): Promise<Identity | undefined> {
    return timingSafeEqual(hashToken(token), this.#hash) ? this.#identity : undefined;
  }
}

/** Asks several authenticators in order. The first one that knows the token decides. */
export class AnyOf implements Authenticator {
  readonly #authenticators: readonly Authenticator[];

  constructor(authenticators: readonly Authenticator[]) {
    this.#authenticators = authenticators;
  }

  async authenticate(token: string): Promise<Identity | undefined> {
    for (const authenticator of this.#authenticators) {
      const identity = await authenticator.authenticate(token);
      if (identity !== undefined) return identity;
    }
    return undefined;
  }
}

/**
 * Returns the identity that belongs to a request's `Authorization: Bearer` header.
 *
 * @throws CleanRoomError `unauthenticated`. The message never says which part of the credential was wrong, because that
 * would help someone who guesses tokens.
 */
export async function authenticateBearer(
  request: FastifyRequest,
  authenticator: Authenticator
): Promise<Identity> {
  const [, token] = /^Bearer ([\x21-\x7e]{1,4096})$/i.exec(request.headers.authorization ?? '') ?? [];
  const identity = token === undefined ? undefined : await authenticator.authenticate(token);
  if (identity === undefined) {
    throw new CleanRoomError('unauthenticated', 'You are not signed in.', {
      remedy: 'Sign in again: the access token is missing, wrong or no longer valid.'
    });
  }
  return identity;
}
