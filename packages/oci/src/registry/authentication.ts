import { Type } from 'typebox';
import { utf8 } from '@clean-room/protocol/bytes';
import { checkSchema } from '@clean-room/protocol/documents';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { inMemory } from '../store.js';
import { requireSafe, type RegistryAddress } from './address.js';
import { readChallenge, type AuthenticationChallenge } from './challenge.js';
import type { Credential, Credentials } from './credentials.js';
import {
  dismiss,
  exchange,
  registryFailure,
  readBody,
  type RegistryResponse,
  type RegistryRequest
} from './wire.js';

const TokenAnswer = Type.Object({
  token: Type.Optional(Type.String()),
  access_token: Type.Optional(Type.String()),
  expires_in: Type.Optional(Type.Number())
});
const TOKEN_ANSWER_BYTES = 256 * 1024;
/** What the specification says when a token's answer does not; it is renewed a little earlier. */
const TOKEN_SECONDS = 60;
const MARGIN_SECONDS = 10;
const CREDENTIAL_MS = 60_000;

interface Token {
  readonly text: string;
  readonly until: number;
}

function basic({ username, password }: { username: string; password: string }): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}

/** Knows how to be let in by one registry. */
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

  /** What to send along, as far as the registry has said what it wants. @param scopes sorted */
  async header(scopes: readonly string[]): Promise<string | undefined> {
    if (this.#challenge === undefined) return undefined;
    if (this.#challenge.scheme === 'bearer')
      return `Bearer ${(await this.#token(this.#challenge, scopes)).text}`;
    const credential = await this.#find();
    return credential !== undefined && 'username' in credential ? basic(credential) : undefined;
  }

  /**
   * Learns from a refusal (401).
   * @returns whether there is something new to try
   */
  async learn(answer: RegistryResponse, scopes: readonly string[]): Promise<boolean> {
    const challenge = readChallenge(answer.headers['www-authenticate']);
    dismiss(answer);
    if (challenge === undefined) return false;
    this.#challenge = challenge;
    this.#credential = undefined;
    this.#tokens.delete(scopes.join(' '));
    return challenge.scheme === 'bearer' || (await this.#find()) !== undefined;
  }

  /** Those who ask at once wait for the same token. */
  async #token(
    challenge: AuthenticationChallenge & { scheme: 'bearer' },
    scopes: readonly string[]
  ): Promise<Token> {
    const key = scopes.join(' ');
    const pending = this.#tokens.get(key);
    const known = await pending?.catch(() => undefined);
    if (known !== undefined && known.until > Date.now()) return known;
    if (this.#tokens.get(key) !== pending) return this.#token(challenge, scopes);
    const token = this.#fetchToken(challenge, scopes);
    this.#tokens.set(key, token);
    return token;
  }

  async #fetchToken(
    { realm, service }: AuthenticationChallenge & { scheme: 'bearer' },
    scopes: readonly string[]
  ): Promise<Token> {
    if (!URL.canParse(realm))
      throw new CleanRoomError('registry-failed', 'The registry names no place for tokens.');
    const url = new URL(realm);
    requireSafe(url, new URL(this.#registry.origin));
    const credential = await this.#find();
    const answer = await exchange(tokenCall(url, service, scopes, credential));
    if (answer.status !== 200) throw await registryFailure(answer);
    const body = checkSchema(
      TokenAnswer,
      parse(await readBody(answer, TOKEN_ANSWER_BYTES)),
      'answer for a token'
    );
    const text = body.token ?? body.access_token ?? '';
    if (!/^[\x21-\x7e]+$/.test(text))
      throw new CleanRoomError('registry-failed', `${url.host} gave no token.`);
    const seconds = Math.max((body.expires_in ?? TOKEN_SECONDS) - MARGIN_SECONDS, 0);
    return { text, until: Date.now() + seconds * 1000 };
  }

  /** Asked anew after a while: what credential helpers give may hold for an hour only. */
  async #find(): Promise<Credential | undefined> {
    if (this.#credential !== undefined && this.#credential.until > Date.now()) return this.#credential.value;
    const value = await this.#credentials(this.#registry.host);
    this.#credential = { value, until: Date.now() + CREDENTIAL_MS };
    return value;
  }
}

function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString());
  } catch (cause) {
    throw new CleanRoomError('registry-failed', 'The place for tokens did not answer in JSON.', { cause });
  }
}

function tokenCall(
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
  const asked = new URL(url);
  if (service !== undefined) asked.searchParams.set('service', service);
  for (const scope of scopes) asked.searchParams.append('scope', scope);
  return {
    method: 'GET',
    url: asked,
    headers: credential === undefined ? {} : { authorization: basic(credential) }
  };
}
