import { RegistryFailure } from './failure.js';
import { requireSafe, type RegistryAddress } from './address.js';
import type { Authentication } from './authentication.js';
import { dismiss, exchange, registryFailure, type RegistryResponse, type RegistryRequest } from './wire.js';

const REDIRECTS = new Set([301, 302, 303, 307, 308]);
const MOST_REDIRECTS = 5;

/** Calls one registry: logged in, along redirects, and with its credentials shown to nobody else. */
export class RegistrySession {
  readonly #origin: URL;
  readonly #authentication: Authentication;

  constructor(registry: RegistryAddress, authentication: Authentication) {
    this.#origin = new URL(registry.origin);
    this.#authentication = authentication;
  }

  /** A place in the registry, or one that it told us, which may be elsewhere. */
  urlOf(place: string, base: URL = this.#origin): URL {
    const url = new URL(place, base);
    requireSafe(url, this.#origin);
    return url;
  }

  /**
   * @param expected the statuses that are an answer; every other is a failure
   * @throws RegistryFailure
   */
  async call(
    call: RegistryRequest,
    scopes: readonly string[],
    expected: readonly number[]
  ): Promise<RegistryResponse> {
    let answer = await this.#follow(call, scopes);
    if (answer.status === 401 && (await this.#authentication.learn(answer, scopes)))
      answer = await this.#follow(call, scopes);
    if (expected.includes(answer.status)) return answer;
    throw await registryFailure(answer);
  }

  async #follow(call: RegistryRequest, scopes: readonly string[]): Promise<RegistryResponse> {
    let { url } = call;
    for (let hops = 0; hops <= MOST_REDIRECTS; hops++) {
      const answer = await exchange({ ...call, url, headers: await this.#headers(call, url, scopes) });
      const { location } = answer.headers;
      if (!REDIRECTS.has(answer.status) || location === undefined) return answer;
      // Only these say that a call with a body is to be made again elsewhere.
      if (call.body !== undefined && answer.status < 307) return answer;
      dismiss(answer);
      url = this.urlOf(location, url);
    }
    throw new RegistryFailure(`${call.url.host} sends us on and on.`, {
      passing: false,
      remedy: 'Ask those who run the registry.'
    });
  }

  /** Whoever the registry sends us to (a bucket, a mirror) does not learn who we are. */
  async #headers(
    call: RegistryRequest,
    url: URL,
    scopes: readonly string[]
  ): Promise<Record<string, string>> {
    const headers = { ...call.headers };
    if (url.origin !== this.#origin.origin) return headers;
    const authorization = await this.#authentication.header(scopes);
    return authorization === undefined ? headers : { ...headers, authorization };
  }
}
