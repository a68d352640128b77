import { generateKeyPairSync, randomBytes, type KeyObject } from 'node:crypto';
import type { CloudClock } from '../clock.js';
import { ApiError } from '../http/api-error.js';
import { rolesAllow, type Role } from './roles.js';

/** A service account of the project. */
export interface AccountOptions {
  readonly email: string;
  readonly roles: readonly Role[];
  /** Scopes that its access tokens have; default `cloud-platform`. */
  readonly scopes?: readonly string[];
}

/** The scope of all of Google Cloud. */
const CLOUD_PLATFORM = 'https://www.googleapis.com/auth/cloud-platform';

interface AccessToken {
  readonly email: string;
  readonly scopes: readonly string[];
  readonly expires: number;
}

/** The service accounts of the fake cloud with their keys, roles and access tokens. */
export class Accounts {
  readonly #accounts = new Map<string, AccountOptions>();
  readonly #keys = new Map<string, { readonly id: string; readonly key: KeyObject }>();
  readonly #tokens = new Map<string, AccessToken>();

  /** @param tokenSeconds - lifetime of access tokens */
  constructor(
    private readonly clock: CloudClock,
    accounts: readonly AccountOptions[],
    readonly tokenSeconds: number
  ) {
    for (const account of accounts) this.#accounts.set(account.email, account);
  }

  /** Returns an account, if it exists. */
  find(email: string): AccountOptions | undefined {
    return this.#accounts.get(email);
  }

  /** Replaces the roles of an account from now on. */
  setRoles(email: string, roles: readonly Role[]): void {
    const account = this.find(email);
    if (account === undefined) throw new Error(`no account ${email}`);
    this.#accounts.set(email, { ...account, roles });
  }

  /** Returns the key that Google keeps for an account, with which signBlob signs. */
  signingKey(email: string): { readonly id: string; readonly key: KeyObject } {
    let key = this.#keys.get(email);
    if (key === undefined) {
      key = {
        id: randomBytes(20).toString('hex'),
        key: generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
      };
      this.#keys.set(email, key);
    }
    return key;
  }

  /** Issues an access token. */
  issueToken(
    email: string,
    scopes?: readonly string[]
  ): { readonly token: string; readonly seconds: number } {
    const account = this.find(email);
    if (account === undefined) throw new Error(`no account ${email}`);
    const token = `ya29.c.${randomBytes(48).toString('base64url')}`;
    const expires = this.clock.now() + this.tokenSeconds * 1000;
    this.#tokens.set(token, { email, scopes: scopes ?? account.scopes ?? [CLOUD_PLATFORM], expires });
    return { token, seconds: this.tokenSeconds };
  }

  /** Makes all access tokens invalid, as when an account's key is revoked. */
  revokeTokens(): void {
    this.#tokens.clear();
  }

  /**
   * Returns the account of an `Authorization` header.
   *
   * @param scopes - the scopes of which the token must have one
   * @throws ApiError 401 without a valid token, 403 without a scope
   */
  authenticate(authorization: string | undefined, scopes: readonly string[]): AccountOptions {
    const [, value = ''] = /^Bearer (.+)$/i.exec(authorization ?? '') ?? [];
    const token = this.#tokens.get(value);
    const account = token === undefined ? undefined : this.find(token.email);
    if (token === undefined || account === undefined || token.expires <= this.clock.now()) {
      throw new ApiError(
        401,
        'authError',
        'Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid authentication credential.'
      );
    }
    if (![CLOUD_PLATFORM, ...scopes].some(scope => token.scopes.includes(scope))) {
      throw new ApiError(403, 'insufficientPermissions', 'Request had insufficient authentication scopes.', [
        {
          '@type': 'type.googleapis.com/google.rpc.ErrorInfo',
          reason: 'ACCESS_TOKEN_SCOPE_INSUFFICIENT',
          domain: 'googleapis.com'
        }
      ]);
    }
    return account;
  }

  /**
   * Checks that an account has a permission on a resource.
   *
   * @throws ApiError 403 without it
   */
  authorize(account: AccountOptions, permission: string, resource: string): void {
    if (rolesAllow(account.roles, permission)) return;
    throw new ApiError(403, 'forbidden', `Required '${permission}' permission for '${resource}'`);
  }
}
