import { createServer, type Server } from 'node:http';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import { makeToken, type MachineClaims } from './authority.js';

interface Asked {
  readonly audience: string;
  readonly token_type: string;
  readonly nonces: readonly string[];
}

/** The launcher's HTTP API on a unix socket, as far as a supervisor uses it. */
export class LauncherServer {
  readonly asked: Asked[] = [];
  readonly folder: string;
  /** Answers to give before the first token: `[status, text]`. */
  readonly failures: [number, string][] = [];
  readonly #server: Server;

  private constructor(folder: string, machine: () => MachineClaims) {
    this.folder = folder;
    this.#server = createServer((request, response) => {
      void json(request).then(body => {
        const failure = this.failures.shift();
        if (failure !== undefined) return response.writeHead(failure[0]).end(failure[1]);
        const asked = body as Asked;
        this.asked.push(asked);
        const order = { audience: asked.audience, nonce: asked.nonces[0] ?? '' };
        return response.writeHead(200, { 'content-type': 'text/html' }).end(makeToken(order, machine()));
      });
    });
  }

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
