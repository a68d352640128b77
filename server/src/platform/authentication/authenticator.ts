import { createHash, timingSafeEqual } from 'node:crypto';

/** A person of a party, as its roster names them. */
export interface ActsAs {
  readonly party: string;
  readonly person: string;
}

/** Whom a credential is. What they may do, rosters say. */
export type Identity =
  | { readonly kind: 'person'; readonly subject: string; readonly acts: readonly ActsAs[] }
  | { readonly kind: 'custodian'; readonly party: string };

/** Turns a bearer token into an identity. */
export interface Authenticator {
  /**
   * Nothing when the token is not one of this authenticator's.
   * @throws CleanRoomError `unavailable` when it can't be found out, `forbidden` for a token that was made for others
   */
  authenticate(token: string): Promise<Identity | undefined>;
}

export function hashToken(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

/** A fixed token that stands for a fixed identity. Holds the hash alone. */
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

/** Asks several, in order; the first that knows the token decides. */
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
