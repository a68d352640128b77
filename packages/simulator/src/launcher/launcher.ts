import { closeSync, constants, openSync } from 'node:fs';
import { chmod, mkdir, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import type { TokenIssuer } from '../issuer/issuer.js';
import { answer } from './handler.js';
import { TokenFile } from './token-file.js';

export const LAUNCHER_SOCKET = 'teeserver.sock';

/** The launcher's side of a container: a folder with its socket and the default token, ready to be mounted. */
export class SimulatedLauncher {
  private constructor(
    readonly folder: string,
    private readonly server: Server,
    /** Node removes the socket by the path it was bound to, so this stays open as long as the server. */
    private readonly descriptor: number,
    private readonly tokenFile: TokenFile
  ) {}

  /** @param tokenLifeMs shortened by tests only */
  static async start(folder: string, issuer: TokenIssuer, tokenLifeMs?: number): Promise<SimulatedLauncher> {
    await mkdir(folder, { recursive: true });
    await chmod(folder, 0o755);
    const tokenFile = new TokenFile(folder, issuer, tokenLifeMs);
    await tokenFile.start();
    const server = createServer((request, response) => {
      answer(request, response, issuer).catch(() => response.destroy());
    });
    const descriptor = openSync(folder, constants.O_RDONLY | constants.O_DIRECTORY);
    try {
      await listen(server, folder, descriptor);
    } catch (error) {
      tokenFile.stop();
      closeSync(descriptor);
      throw error;
    }
    return new SimulatedLauncher(folder, server, descriptor, tokenFile);
  }

  async stop(): Promise<void> {
    this.tokenFile.stop();
    this.server.closeAllConnections();
    await new Promise(resolve => this.server.close(resolve));
    closeSync(this.descriptor);
  }
}

/** Listens through the folder's descriptor: the path of a unix socket may have 107 bytes, the folder's any number. */
async function listen(server: Server, folder: string, descriptor: number): Promise<void> {
  const socket = join(folder, LAUNCHER_SOCKET);
  await rm(socket, { force: true });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(`/proc/self/fd/${descriptor}/${LAUNCHER_SOCKET}`, resolve);
  });
  await chmod(socket, 0o777);
}
