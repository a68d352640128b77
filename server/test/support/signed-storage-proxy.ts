import type { CloudClock } from '../cloud/clock.js';
import { ApiError } from '../cloud/http/api-error.js';
import { ApiServer, type Call, type Reply, type Route } from '../cloud/http/api-server.js';
import type { FaultPlan } from '../cloud/http/faults.js';
import type { Accounts } from '../cloud/identity/accounts.js';
import { verifySignedUrl } from '../cloud/storage/signed-url.js';

/** Parts of the proxy's surroundings. */
export interface ProxyOptions {
  /** Address of the storage that checks neither signatures nor access tokens. */
  readonly storage: string;
  readonly accounts: Accounts;
  readonly clock: CloudClock;
  readonly faults: FaultPlan;
}

/** Headers of an answer that clients use. */
const KEPT = ['content-type', 'content-range', 'range', 'x-goog-hash', 'x-goog-generation', 'location'];
const SCOPE = 'https://www.googleapis.com/auth/devstorage.read_write';

/**
 * A proxy for a storage that does not check who calls it. Requests at signed addresses are verified, with their headers,
 * payload and expiry, and made with the JSON API; requests to the JSON API need an access token.
 */
export class SignedStorageProxy {
  readonly #options: ProxyOptions;
  #server!: ApiServer;

  private constructor(options: ProxyOptions) {
    this.#options = options;
  }

  static async start(options: ProxyOptions): Promise<SignedStorageProxy> {
    const proxy = new SignedStorageProxy(options);
    const { clock, faults } = options;
    proxy.#server = await ApiServer.start({ clock, faults, latency: () => 0, routes: proxy.#routes() });
    return proxy;
  }

  get url(): string {
    return this.#server.url;
  }

  stop(): Promise<void> {
    return this.#server.stop();
  }

  #routes(): readonly Route[] {
    const route = (name: string, method: string, path: string, handle: Route['handle']): Route => ({
      name: `proxy.${name}`,
      method,
      path,
      handle
    });
    const object = '/{bucket}/{object=**}';
    const methods = ['GET', 'POST', 'PUT', 'DELETE'];
    return [
      // The address of a session is the right to use it.
      route('session', 'PUT', '/upload/{rest=**}', call => this.#forward(call)),
      ...methods.map(method => route('json', method, '/upload/{rest=**}', call => this.#authorized(call))),
      ...methods.map(method =>
        route('json', method, '/storage/v1/{rest=**}', call => this.#authorized(call))
      ),
      route('get', 'GET', object, call => this.#download(call)),
      route('put', 'PUT', object, call => this.#upload(call, 'media')),
      route('post', 'POST', object, call => this.#upload(call, 'resumable'))
    ];
  }

  #authorized(call: Call): Promise<Reply> {
    this.#options.accounts.authenticate(call.headers.authorization, [SCOPE]);
    return this.#forward(call);
  }

  #verify(call: Call): void {
    const { accounts, clock } = this.#options;
    verifySignedUrl(call, { accounts, now: clock.now(), longestSeconds: 900 });
  }

  #download(call: Call): Promise<Reply> {
    this.#verify(call);
    const { bucket, object = '' } = call.params;
    return this.#send('GET', `/storage/v1/b/${bucket}/o/${encodeURIComponent(object)}?alt=media`, {
      ...(call.headers.range === undefined ? {} : { range: call.headers.range })
    });
  }

  async #upload(call: Call, uploadType: 'media' | 'resumable'): Promise<Reply> {
    this.#verify(call);
    const { bucket, object = '' } = call.params;
    const query = new URLSearchParams({ uploadType, name: object });
    const generation = call.headers['x-goog-if-generation-match'];
    if (generation !== undefined) query.set('ifGenerationMatch', String(generation));
    const isMedia = uploadType === 'media';
    if (!isMedia && call.headers['x-goog-resumable'] !== 'start') {
      throw new ApiError(400, 'InvalidArgument', 'The request needs the header x-goog-resumable: start.');
    }
    const headers = { 'content-type': isMedia ? (call.headers['content-type'] ?? '') : 'application/json' };
    const body = isMedia ? call.body : Buffer.from('{}');
    const reply = await this.#send('POST', `/upload/storage/v1/b/${bucket}/o?${query}`, headers, body);
    return isMedia || reply.status !== 200 ? reply : { ...reply, status: 201 };
  }

  #forward(call: Call): Promise<Reply> {
    const names = ['content-type', 'content-range', 'range'];
    const sent = names.flatMap(name => {
      const value = call.headers[name];
      return value === undefined ? [] : [[name, String(value)] as const];
    });
    return this.#send(
      call.method,
      `${call.url.pathname}${call.url.search}`,
      Object.fromEntries(sent),
      call.body
    );
  }

  async #send(
    method: string,
    path: string,
    headers: Readonly<Record<string, string>>,
    body?: Buffer
  ): Promise<Reply> {
    const response = await fetch(`${this.#options.storage}${path}`, {
      method,
      headers: { ...headers, 'accept-encoding': 'identity' },
      redirect: 'manual',
      ...(body === undefined || method === 'GET' ? {} : { body: new Uint8Array(body) })
    });
    const kept = KEPT.flatMap(name => {
      const value = response.headers.get(name);
      return value === null ? [] : [[name, value.replace(this.#options.storage, this.url)] as const];
    });
    const content = Buffer.from(await response.arrayBuffer());
    return { status: response.status, headers: Object.fromEntries(kept), body: content };
  }
}
