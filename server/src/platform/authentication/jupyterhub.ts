import { Type } from 'typebox';
import { Check } from 'typebox/value';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { hashToken, type Authenticator, type Identity } from './authenticator.js';

const HubUser = Type.Object({
  name: Type.String({ minLength: 1, maxLength: 255 }),
  groups: Type.Array(Type.String()),
  scopes: Type.Array(Type.String())
});

export interface JupyterHubOptions {
  /** The Hub's API, e.g. `http://hub:8081/hub/api`. */
  readonly api: string;
  /** The name under which the Hub knows this service: tokens must carry `access:services!service=<name>`. */
  readonly service: string;
  /** Which party the members of a Hub group act for; a person's id in its roster is their Hub user name. */
  readonly groups: Readonly<Record<string, string>>;
  /** How long the Hub's answer is believed; at most 60 seconds. */
  readonly cacheSeconds?: number;
}

interface Remembered {
  readonly identity: Identity | undefined;
  readonly until: number;
}

const MOST_REMEMBERED = 10_000;
const MOST_SECONDS = 60;
const ASK_MILLISECONDS = 10_000;

/**
 * Asks JupyterHub whom a token is (`GET /user`; JupyterHub REST API). A token that the Hub has not made for this service is
 * refused, so that a notebook server's own token, which every page of it can read, opens nothing here.
 */
export class JupyterHubAuthenticator implements Authenticator {
  readonly #options: JupyterHubOptions;
  readonly #remembered = new Map<string, Remembered>();
  readonly #milliseconds: number;

  constructor(options: JupyterHubOptions) {
    this.#options = options;
    this.#milliseconds = Math.min(options.cacheSeconds ?? MOST_SECONDS, MOST_SECONDS) * 1000;
  }

  async authenticate(token: string): Promise<Identity | undefined> {
    const key = hashToken(token).toString('base64');
    const known = this.#remembered.get(key);
    if (known !== undefined && known.until > Date.now()) return known.identity;
    const identity = await this.#ask(token);
    this.#remembered.delete(key);
    this.#remembered.set(key, { identity, until: Date.now() + this.#milliseconds });
    const [oldest] = this.#remembered.keys();
    if (this.#remembered.size > MOST_REMEMBERED && oldest !== undefined) this.#remembered.delete(oldest);
    return identity;
  }

  async #ask(token: string): Promise<Identity | undefined> {
    // A header can't hold these, so no Hub has made such a token.
    if (!/^[\x21-\x7e]{1,1024}$/.test(token)) return undefined;
    let user: unknown;
    try {
      const response = await fetch(`${this.#options.api.replace(/\/$/, '')}/user`, {
        headers: { authorization: `token ${token}`, accept: 'application/json' },
        redirect: 'error',
        signal: AbortSignal.timeout(ASK_MILLISECONDS)
      });
      if (response.status === 401 || response.status === 403) return undefined;
      if (!response.ok) throw new Error(`the Hub answered ${response.status}`);
      user = await response.json();
    } catch (cause) {
      throw new CleanRoomError('unavailable', 'JupyterHub could not be asked who you are.', {
        remedy: 'Try again in a minute.',
        cause
      });
    }
    if (!Check(HubUser, user))
      throw new CleanRoomError('unavailable', 'JupyterHub’s answer can not be read.');
    if (!user.scopes.includes(`access:services!service=${this.#options.service}`)) {
      throw new CleanRoomError('forbidden', 'This JupyterHub token was not made for the clean room.', {
        remedy: 'Restart your server from the Hub’s control panel to get one that was.'
      });
    }
    // Hub users may name groups; one that is called like a property of every object has no party.
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
