import { Type } from 'typebox';
import { Check } from 'typebox/value';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { hashToken, type Authenticator, type Identity } from './authenticator.js';

const HubUser = Type.Object({
  name: Type.String({ minLength: 1, maxLength: 255 }),
  groups: Type.Array(Type.String()),
  scopes: Type.Array(Type.String())
});

/** The connection to a JupyterHub, and the meaning of its groups. */
export interface JupyterHubOptions {
  /** Address of the Hub's API, for example `http://hub:8081/hub/api`. */
  readonly api: string;
  /** The name under which the Hub knows this service. Tokens must have the scope `access:services!service=<name>`. */
  readonly service: string;
  /** The party that members of each Hub group act for. A person's id in the party's roster is their Hub user name. */
  readonly groups: Readonly<Record<string, string>>;
  /** The time for which a response of the Hub is cached, in seconds. 60 is the maximum and the default. */
  readonly cacheSeconds?: number;
}

interface CachedAnswer {
  readonly identity: Identity | undefined;
  readonly until: number;
}

const MAX_CACHED = 10_000;
const MAX_CACHE_SECONDS = 60;
const REQUEST_TIMEOUT_MS = 10_000;

/**
 * Asks JupyterHub which user a token belongs to (`GET /user` of the JupyterHub REST API). A token that the Hub did not issue
 * for this service is refused: every page of a notebook server can read that server's own token, so it must not work here.
 */
export class JupyterHubAuthenticator implements Authenticator {
  readonly #options: JupyterHubOptions;
  readonly #cache = new Map<string, CachedAnswer>();
  readonly #cacheMs: number;

  constructor(options: JupyterHubOptions) {
    this.#options = options;
    this.#cacheMs = Math.min(options.cacheSeconds ?? MAX_CACHE_SECONDS, MAX_CACHE_SECONDS) * 1000;
  }

  async authenticate(token: string): Promise<Identity | undefined> {
    const key = hashToken(token).toString('base64');
    const cached = this.#cache.get(key);
    if (cached !== undefined && cached.until > Date.now()) return cached.identity;
    const identity = await this.#ask(token);
    this.#cache.delete(key);
    this.#cache.set(key, { identity, until: Date.now() + this.#cacheMs });
    const [oldest] = this.#cache.keys();
    if (this.#cache.size > MAX_CACHED && oldest !== undefined) this.#cache.delete(oldest);
    return identity;
  }

  async #ask(token: string): Promise<Identity | undefined> {
    // An HTTP header cannot hold other characters, so the Hub cannot have issued such a token.
    if (!/^[\x21-\x7e]{1,1024}$/.test(token)) return undefined;
    let user: unknown;
    try {
      const response = await fetch(`${this.#options.api.replace(/\/$/, '')}/user`, {
        headers: { authorization: `token ${token}`, accept: 'application/json' },
        redirect: 'error',
        signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS)
      });
      if (response.status === 401 || response.status === 403) return undefined;
      if (!response.ok) throw new Error(`the Hub answered ${response.status}`);
      user = await response.json();
    } catch (cause) {
      throw new CleanRoomError(
        'unavailable',
        'JupyterHub did not answer, so your sign-in cannot be checked.',
        {
          remedy: 'Try again in a minute.',
          cause
        }
      );
    }
    if (!Check(HubUser, user)) {
      throw new CleanRoomError('unavailable', 'The answer of JupyterHub about your sign-in cannot be read.', {
        remedy: 'Ask the operator to check that the JupyterHub version is supported.'
      });
    }
    if (!user.scopes.includes(`access:services!service=${this.#options.service}`)) {
      throw new CleanRoomError('forbidden', 'This JupyterHub token was not issued for the clean room.', {
        remedy: 'Restart your server from the Hub’s control panel. It then gets a token for the clean room.'
      });
    }
    // Hub users can choose group names. A group named like an inherited property, such as `constructor`, has no party.
    const { groups } = this.#options;
    const own = user.groups.filter(group => Object.hasOwn(groups, group));
    const parties = new Set(own.flatMap(group => groups[group] ?? []));
    return {
      kind: 'person',
      subject: user.name,
      acts: [...parties].map(party => ({ party, person: user.name }))
    };
  }
}
