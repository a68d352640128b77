import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Readable } from 'node:stream';
import type { CloudClock } from '../clock.js';
import { ApiError } from './api-error.js';
import type { Fault, FaultPlan } from './faults.js';

/** A request to a route. */
export interface Call {
  readonly method: string;
  readonly url: URL;
  readonly params: Readonly<Record<string, string>>;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** The fault with which the handler itself must deal. */
  readonly fault: Fault | undefined;
  /** Becomes aborted when the client closes the connection. */
  readonly signal: AbortSignal;
}

/** The answer to a request. An object is sent as JSON. */
export interface Reply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer | Readable | object | string;
}

/** A method of an API. */
export interface Route {
  /** The method's name in Google's documentation, such as `compute.instances.insert`. */
  readonly name: string;
  readonly method: string;
  /** A path with `{parameter}` for one segment and `{parameter=**}` for several. */
  readonly path: string;
  /** The query parameters that the method takes, besides those of all methods. Without it all are taken. */
  readonly query?: readonly string[];
  readonly handle: (call: Call) => Reply | Promise<Reply>;
}

/** Parts of the cloud that a server needs, and its routes. */
export interface ApiServerOptions {
  readonly clock: CloudClock;
  readonly faults: FaultPlan;
  /** Returns the delay of each answer in milliseconds. */
  readonly latency: () => number;
  readonly routes: readonly Route[];
  /** Shapes errors; default is the JSON of Google's APIs. */
  readonly errorReply?: (error: ApiError) => Reply;
}

/** Query parameters of all Google APIs (cloud.google.com/apis/docs/system-parameters). */
const SYSTEM_PARAMETERS = ['alt', '$alt', 'fields', 'key', 'prettyPrint', '$prettyPrint', 'quotaUser'];

interface CompiledRoute {
  readonly route: Route;
  readonly pattern: RegExp;
}

function compile(route: Route): CompiledRoute {
  const pattern = route.path
    .split(/(\{\w+(?:=\*\*)?\})/)
    .map(part => {
      const [, name, several] = /^\{(\w+)(=\*\*)?\}$/.exec(part) ?? [];
      if (name === undefined) return part.replace(/[.*+?^$()|[\]\\]/g, '\\$&');
      return `(?<${name}>${several === undefined ? '[^/]+?' : '.+'})`;
    })
    .join('');
  return { route, pattern: new RegExp(`^${pattern}$`) };
}

function jsonErrorReply(error: ApiError): Reply {
  const headers: Record<string, string> = error.code === 401 ? { 'www-authenticate': 'Bearer' } : {};
  return { status: error.code, headers, body: error };
}

/** An HTTP server on loopback that routes requests to the methods of one API and applies planned faults. */
export class ApiServer {
  readonly #server = createServer((request, response) => {
    void this.#serve(request, response).catch(() => response.destroy());
  });
  readonly #routes: readonly CompiledRoute[];

  private constructor(readonly options: ApiServerOptions) {
    this.#routes = options.routes.map(compile);
  }

  static async start(options: ApiServerOptions): Promise<ApiServer> {
    const server = new ApiServer(options);
    // As long as Google's; a short one closes connections that clients are about to use again.
    server.#server.keepAliveTimeout = 600_000;
    await new Promise<void>(resolve => server.#server.listen(0, '127.0.0.1', resolve));
    return server;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise(resolve => this.#server.close(resolve));
  }

  #find(method: string, path: string): { route: Route; params: Record<string, string> } | undefined {
    for (const { route, pattern } of this.#routes) {
      const groups = route.method === method ? pattern.exec(path)?.groups : undefined;
      if (groups === undefined && !(route.method === method && pattern.test(path))) continue;
      const params = Object.fromEntries(
        Object.entries(groups ?? {}).map(([name, value]) => [name, decodeURIComponent(value)])
      );
      return { route, params };
    }
    return undefined;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', this.url);
    const method = request.method ?? 'GET';
    const found = this.#find(method, url.pathname);
    const fault = this.options.faults.next(found?.route.name ?? 'unknown');
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    if (fault?.kind === 'timeout') return;
    const delay = this.options.latency() + (fault?.kind === 'latency' ? fault.milliseconds : 0);
    if (delay > 0) await this.options.clock.sleep(delay);
    const ended = new AbortController();
    response.on('close', () => ended.abort());
    const answer = (): Promise<Reply> =>
      this.#answer(
        found?.route,
        {
          method,
          url,
          params: found?.params ?? {},
          headers: request.headers,
          body: fault?.kind === 'broken-request' ? firstHalf(parts) : Buffer.concat(parts),
          fault,
          signal: ended.signal
        },
        fault
      );
    let reply = await answer();
    if (fault?.kind === 'duplicate') reply = await answer();
    if (fault?.kind === 'lost-response' || fault?.kind === 'broken-request') request.socket.destroy();
    else await send(response, reply, fault?.kind === 'reset');
  }

  async #answer(route: Route | undefined, call: Call, fault: Fault | undefined): Promise<Reply> {
    const errorReply = this.options.errorReply ?? jsonErrorReply;
    try {
      if (fault?.kind === 'status') {
        const reason = fault.code === 429 ? 'rateLimitExceeded' : 'backendError';
        const reply = errorReply(new ApiError(fault.code, reason, 'The service is not able to answer now.'));
        const headers =
          fault.retryAfterSeconds === undefined ? {} : { 'retry-after': String(fault.retryAfterSeconds) };
        return { ...reply, headers: { ...reply.headers, ...headers } };
      }
      if (route === undefined)
        throw new ApiError(404, 'notFound', `Not found: ${call.method} ${call.url.pathname}`);
      for (const name of route.query === undefined ? [] : call.url.searchParams.keys()) {
        if (SYSTEM_PARAMETERS.includes(name) || route.query?.includes(name) === true) continue;
        throw new ApiError(
          400,
          'badRequest',
          `Invalid JSON payload received. Unknown name "${name}": Cannot bind query parameter.`
        );
      }
      return await route.handle(call);
    } catch (error) {
      if (error instanceof ApiError) return errorReply(error);
      // A defect of the fake must not look like an error that clients retry.
      const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
      return errorReply(new ApiError(400, 'defectOfTheFake', text));
    }
  }
}

function firstHalf(parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  return body.subarray(0, Math.floor(body.length / 2));
}

function isStream(body: unknown): body is Readable {
  return typeof (body as Readable | undefined)?.pipe === 'function';
}

/** Sends an answer, or closes the connection in the middle of its body. */
async function send(response: ServerResponse, reply: Reply, broken: boolean): Promise<void> {
  const { status, headers = {}, body } = reply;
  if (isStream(body)) {
    response.writeHead(status, headers);
    for await (const chunk of body) {
      const bytes = chunk as Buffer;
      response.write(broken ? bytes.subarray(0, Math.ceil(bytes.length / 2)) : bytes);
      if (broken) break;
    }
    if (broken) response.destroy();
    else response.end();
    return;
  }
  const isText = body === undefined || typeof body === 'string' || Buffer.isBuffer(body);
  const bytes = isText ? Buffer.from(body ?? '') : Buffer.from(JSON.stringify(body));
  response.writeHead(status, {
    ...(isText ? {} : { 'content-type': 'application/json; charset=UTF-8' }),
    ...(status === 204 || status === 308 ? {} : { 'content-length': String(bytes.length) }),
    ...headers
  });
  if (!broken) {
    response.end(bytes);
    return;
  }
  response.write(bytes.subarray(0, Math.ceil(bytes.length / 2)), () => response.destroy());
}
