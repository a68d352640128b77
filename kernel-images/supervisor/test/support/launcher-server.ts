import { createServer, type Server } from 'node:http';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import { makeToken, type MachineClaims } from './authority.js';

interface TokenRequest {
  readonly audience: string;
  readonly token_type: string;
  readonly nonces: readonly string[];
}

/** A test server for the part of the launcher's HTTP API that a supervisor uses, on a Unix socket. */
export class LauncherServer {
  readonly requests: TokenRequest[] = [];
  readonly folder: string;
  /** Answers to send before the first token: `[status, text]`. */
  readonly failures: [number, string][] = [];
  readonly #server: Server;

  private constructor(folder: string, machine: () => MachineClaims) {
    this.folder = folder;
    this.#server = createServer((request, response) => {
      void json(request).then(body => {
        const failure = this.failures.shift();
        if (failure !== undefined) return response.writeHead(failure[0]).end(failure[1]);
        const tokenRequest = body as TokenRequest;
        this.requests.push(tokenRequest);
        const options = { audience: tokenRequest.audience, nonce: tokenRequest.nonces[0] ?? '' };
        return response.writeHead(200, { 'content-type': 'text/html' }).end(makeToken(options, machine()));
      });
    });
  }

  /** Starts the server on a socket in a temporary folder. */
  static async open(machine: () => MachineClaims): Promise<LauncherServer> {
    const launcher = new LauncherServer(await mkdtemp('/tmp/clean-room-supervisor-'), machine);
    await new Promise<void>(resolve => launcher.#server.listen(launcher.socket, resolve));
    await chmod(launcher.folder, 0o755);
    await chmod(launcher.socket, 0o777);
    return launcher;
  }

  get socket(): string {
    return join(this.folder, 'teeserver.sock');
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise(resolve => this.#server.close(resolve));
    await rm(this.folder, { recursive: true, force: true });
  }
}
