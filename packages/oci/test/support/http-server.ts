import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pipeline } from 'node:stream';
import { closed } from './registry.js';

export interface HttpServer {
  readonly host: string;
  readonly calls: {
    readonly method: string;
    readonly url: string;
    readonly headers: IncomingMessage['headers'];
  }[];
  stop(): Promise<void>;
}

export type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/** A server that does what a test wants, and remembers what it was asked. */
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

/** Passes calls on to a registry, unless `intercept` answers. */
export function passingTo(
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
