import { Type } from 'typebox';
import { utf8 } from '@clean-room/protocol/bytes';
import { checkSchema } from '@clean-room/protocol/documents';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { inMemory } from '../store.js';
import { requireSafeUrl, type RegistryAddress } from './address.js';
import { parseChallenge, type AuthenticationChallenge, type BearerChallenge } from './challenge.js';
import type { Credential, Credentials } from './credentials.js';
import {
  discardBody,
  readBody,
  responseError,
  sendRequest,
  type RegistryRequest,
  type RegistryResponse
} from './http.js';

const TokenResponse = Type.Object({
  token: Type.Optional(Type.String()),
  access_token: Type.Optional(Type.String()),
  expires_in: Type.Optional(Type.Number())
});
const TOKEN_RESPONSE_BYTES = 256 * 1024;
/** The lifetime of a token that does not state one, from the specification. */
const TOKEN_SECONDS = 60;
/** Tokens are renewed this long before they expire. */
const MARGIN_SECONDS = 10;
/** Credentials are looked up again after this time, because some helpers return credentials that expire within the hour. */
const CREDENTIAL_MS = 60_000;

interface Token {
  readonly text: string;
  readonly until: number;
}

function basic({ username, password }: { username: string; password: string }): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}

/** Authenticates with one registry: remembers its challenge, and obtains and caches tokens. */
export class Authentication {
  readonly #registry: RegistryAddress;
  readonly #credentials: Credentials;
  readonly #tokens = new Map<string, Promise<Token>>();
  #challenge: AuthenticationChallenge | undefined;
  #credential: { readonly value: Credential | undefined; readonly until: number } | undefined;

  constructor(registry: RegistryAddress, credentials: Credentials) {
    this.#registry = registry;
    this.#credentials = credentials;
  }

  /**
   * Returns the `Authorization` header for a request, or undefined until the registry has sent a challenge.
   *
   * @param scopes - the access that the request needs, sorted
   */
  async header(scopes: readonly string[]): Promise<string | undefined> {
    if (this.#challenge === undefined) return undefined;
    if (this.#challenge.scheme === 'bearer')
      return `Bearer ${(await this.#token(this.#challenge, scopes)).text}`;
    const credential = await this.#findCredential();
    return credential !== undefined && 'username' in credential ? basic(credential) : undefined;
  }

  /**
   * Reads the challenge of a 401 response.
   *
   * @returns whether the request should be sent again
   */
  async readChallenge(answer: RegistryResponse, scopes: readonly string[]): Promise<boolean> {
    const challenge = parseChallenge(answer.headers['www-authenticate']);
    discardBody(answer);
    if (challenge === undefined) return false;
    this.#challenge = challenge;
    this.#credential = undefined;
    this.#tokens.delete(scopes.join(' '));
    return challenge.scheme === 'bearer' || (await this.#findCredential()) !== undefined;
  }

  /** Returns a valid token. Concurrent requests share one. */
  async #token(challenge: BearerChallenge, scopes: readonly string[]): Promise<Token> {
    const key = scopes.join(' ');
    const pending = this.#tokens.get(key);
    const known = await pending?.catch(() => undefined);
    if (known !== undefined && known.until > Date.now()) return known;
    if (this.#tokens.get(key) !== pending) return this.#token(challenge, scopes);
    const token = this.#requestToken(challenge, scopes);
    this.#tokens.set(key, token);
    return token;
  }

  async #requestToken({ realm, service }: BearerChallenge, scopes: readonly string[]): Promise<Token> {
    if (!URL.canParse(realm))
      throw new CleanRoomError('registry-failed', 'The registry did not name a valid token service.');
    const url = new URL(realm);
    requireSafeUrl(url, new URL(this.#registry.origin));
    const credential = await this.#findCredential();
    const answer = await sendRequest(tokenRequest(url, service, scopes, credential));
    if (answer.status !== 200) throw await responseError(answer);
    const body = checkSchema(
      TokenResponse,
      parseJson(await readBody(answer, TOKEN_RESPONSE_BYTES)),
      'answer of the token service'
    );
    const text = body.token ?? body.access_token ?? '';
    if (!/^[\x21-\x7e]+$/.test(text))
      throw new CleanRoomError(
        'registry-failed',
        `The token service ${url.host} did not return a valid token.`
      );
    const seconds = Math.max((body.expires_in ?? TOKEN_SECONDS) - MARGIN_SECONDS, 0);
    return { text, until: Date.now() + seconds * 1000 };
  }

  async #findCredential(): Promise<Credential | undefined> {
    if (this.#credential !== undefined && this.#credential.until > Date.now()) return this.#credential.value;
    const value = await this.#credentials(this.#registry.host);
    this.#credential = { value, until: Date.now() + CREDENTIAL_MS };
    return value;
  }
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString());
  } catch (cause) {
    throw new CleanRoomError('registry-failed', 'The token service did not answer in JSON.', { cause });
  }
}

function tokenRequest(
  url: URL,
  service: string | undefined,
  scopes: readonly string[],
  credential: Credential | undefined
): RegistryRequest {
  if (credential !== undefined && 'identityToken' in credential) {
    const form = new URLSearchParams({
      grant_type: 'refresh_token',
      client_id: 'clean-room',
      scope: scopes.join(' '),
      refresh_token: credential.identityToken,
      ...(service === undefined ? {} : { service })
    });
    const bytes = utf8(form.toString());
    return {
      method: 'POST',
      url,
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: { size: bytes.length, bytes: inMemory(bytes) }
    };
  }
  const query = new URL(url);
  if (service !== undefined) query.searchParams.set('service', service);
  for (const scope of scopes) query.searchParams.append('scope', scope);
  return {
    method: 'GET',
    url: query,
    headers: credential === undefined ? {} : { authorization: basic(credential) }
  };
}
