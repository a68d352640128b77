import { requireSafeUrl, type RegistryAddress } from './address.js';
import type { Authentication } from './authentication.js';
import { protocolViolation } from './errors.js';
import {
  discardBody,
  responseError,
  sendRequest,
  type RegistryRequest,
  type RegistryResponse
} from './http.js';

const REDIRECTS = new Set([301, 302, 303, 307, 308]);
const MAX_REDIRECTS = 5;

/** Sends requests to one registry. It logs in, follows redirects, and never sends credentials to another server. */
export class RegistrySession {
  readonly #origin: URL;
  readonly #authentication: Authentication;

  constructor(registry: RegistryAddress, authentication: Authentication) {
    this.#origin = new URL(registry.origin);
    this.#authentication = authentication;
  }

  /**
   * Resolves a URL relative to the registry or to `base`. The result may be on another server.
   *
   * @throws CleanRoomError `malformed` if the URL is not safe
   */
  resolveUrl(reference: string, base: URL = this.#origin): URL {
    const url = new URL(reference, base);
    requireSafeUrl(url, this.#origin);
    return url;
  }

  /**
   * Sends a request, and logs in if the registry asks for it.
   *
   * @param scopes - the access that the request needs
   * @param expected - the statuses that are expected; every other status is an error
   * @throws RegistryFailure
   */
  async send(
    request: RegistryRequest,
    scopes: readonly string[],
    expected: readonly number[]
  ): Promise<RegistryResponse> {
    let answer = await this.#follow(request, scopes);
    // A server that the registry redirects to cannot name the token service that gets the credentials.
    const isChallenge = answer.status === 401 && answer.url.origin === this.#origin.origin;
    if (isChallenge && (await this.#authentication.readChallenge(answer, scopes)))
      answer = await this.#follow(request, scopes);
    if (expected.includes(answer.status)) return answer;
    throw await responseError(answer);
  }

  async #follow(request: RegistryRequest, scopes: readonly string[]): Promise<RegistryResponse> {
    let { url } = request;
    for (let hops = 0; hops <= MAX_REDIRECTS; hops++) {
      const headers = await this.#headers(request, url, scopes);
      const answer = await sendRequest({ ...request, url, headers });
      const { location } = answer.headers;
      if (!REDIRECTS.has(answer.status) || location === undefined) return answer;
      // Only 307 and 308 allow a request with a body to be repeated at the new address.
      if (request.body !== undefined && answer.status < 307) return answer;
      discardBody(answer);
      url = this.resolveUrl(location, url);
    }
    throw protocolViolation(`${request.url.host} redirects more than ${MAX_REDIRECTS} times.`);
  }

  /** Returns the headers for a request to `url`. A server that the registry redirects to (a bucket, a mirror) gets no credentials. */
  async #headers(
    request: RegistryRequest,
    url: URL,
    scopes: readonly string[]
  ): Promise<Record<string, string>> {
    const headers = { ...request.headers };
    if (url.origin !== this.#origin.origin) return headers;
    const authorization = await this.#authentication.header(scopes);
    return authorization === undefined ? headers : { ...headers, authorization };
  }
}
