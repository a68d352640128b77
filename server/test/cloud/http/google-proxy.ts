import { readFileSync } from 'node:fs';
import { request as httpRequest, createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https';
import { connect, type AddressInfo, type Server, type Socket } from 'node:net';
import { makeCertificate } from '../../support/postgres.js';

/** Starts a server on a free port of the loopback interface. */
async function listening<S extends Server>(server: S): Promise<S> {
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  return server;
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

/**
 * The way from another process to the fake cloud under Google's own names: a proxy that leads connections to `*.googleapis.com` to
 * a server with a certificate of a test authority, which passes requests on. The process needs no setting but `environment`.
 */
export class GoogleProxy {
  readonly #sockets = new Set<Socket>();

  private constructor(
    readonly environment: Readonly<Record<string, string>>,
    private readonly front: TlsServer,
    private readonly proxy: Server
  ) {}

  /**
   * Starts the proxy.
   *
   * @param services - the addresses of the fake services, by Google's host names
   * @param folder - an existing folder for the certificate
   */
  static async start(services: Readonly<Record<string, string>>, folder: string): Promise<GoogleProxy> {
    const { ca, certificate, key } = makeCertificate(folder, '*.googleapis.com');
    const front = await listening(
      createTlsServer({ cert: readFileSync(certificate), key: readFileSync(key) }, (request, response) =>
        passOn(services, request, response)
      )
    );
    const proxy = await listening(createServer());
    const environment = {
      HTTPS_PROXY: `http://127.0.0.1:${portOf(proxy)}`,
      NO_PROXY: '127.0.0.1,localhost',
      NODE_EXTRA_CA_CERTS: ca
    };
    const started = new GoogleProxy(environment, front, proxy);
    proxy.on('connect', (request: IncomingMessage, client: Socket) => started.#connect(request, client));
    return started;
  }

  #connect({ url = '' }: IncomingMessage, client: Socket): void {
    if (!/^[a-z]+\.googleapis\.com:443$/.test(url)) {
      client.end('HTTP/1.1 403 Forbidden\r\n\r\n');
      return;
    }
    const server = connect(portOf(this.front), '127.0.0.1');
    for (const [one, other] of [
      [client, server],
      [server, client]
    ] as const) {
      this.#sockets.add(one);
      one.on('error', () => other.destroy());
      one.on('close', () => this.#sockets.delete(one));
      one.pipe(other);
    }
    client.write('HTTP/1.1 200 Connection Established\r\n\r\n');
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    for (const server of [this.front, this.proxy]) {
      await new Promise(resolve => server.close(resolve));
    }
  }
}

/** Passes a request on to the fake service of its host. */
function passOn(
  services: Readonly<Record<string, string>>,
  request: IncomingMessage,
  response: ServerResponse
): void {
  const service = services[request.headers.host ?? ''];
  if (service === undefined) {
    response.writeHead(404).end();
    return;
  }
  const { hostname, port } = new URL(service);
  const { method, url: path, headers } = request;
  const sent = httpRequest(
    { hostname, port, method, path, headers: { ...headers, 'x-forwarded-proto': 'https' } },
    answer => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    }
  );
  sent.on('error', () => response.destroy());
  request.pipe(sent);
}
