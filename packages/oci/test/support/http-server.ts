import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pipeline } from 'node:stream';
import { closed } from './registry.js';

/** A running HTTP server. */
export interface HttpServer {
  readonly host: string;
  /** The requests so far. */
  readonly calls: {
    readonly method: string;
    readonly url: string;
    readonly headers: IncomingMessage['headers'];
  }[];
  stop(): Promise<void>;
}

/** A function that sends the response to a request. */
export type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/** Starts a server that answers with `handler` and records all requests. */
export async function startHttpServer(handler: Handler): Promise<HttpServer> {
  const calls: HttpServer['calls'] = [];
  const server = createServer((incoming, response) => {
    const { method = '', url = '', headers } = incoming;
    calls.push({ method, url, headers });
    handler(incoming, response);
  }).listen(0, '127.0.0.1');
  await new Promise(resolve => server.once('listening', resolve));
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    async stop() {
      server.closeAllConnections();
      await closed(server);
    }
  };
}

/** Returns a handler that forwards requests to a registry, unless `intercept` answers them and returns true. */
export function forwardTo(
  target: () => string,
  intercept: (request: IncomingMessage, response: ServerResponse) => boolean = () => false
): Handler {
  return (incoming, response) => {
    if (intercept(incoming, response)) return;
    const [hostname, port] = target().split(':');
    const { method, url, headers } = incoming;
    const outgoing = request({ hostname, port, method, path: url, headers }, answer => {
      response.writeHead(answer.statusCode ?? 500, answer.headers);
      pipeline(answer, response, () => undefined);
    });
    pipeline(incoming, outgoing, () => undefined);
  };
}
