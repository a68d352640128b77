import { closeSync, constants, openSync } from 'node:fs';
import { chmod, mkdir, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import type { TokenIssuer } from '../issuer/token-issuer.js';
import { handleRequest } from './handler.js';
import { TokenFile } from './token-file.js';

/** The name of the launcher's socket in its folder. */
export const LAUNCHER_SOCKET = 'teeserver.sock';

/** The launcher of one container: a folder with its socket and the default token, to be mounted into the container. */
export class SimulatedLauncher {
  private constructor(
    readonly folder: string,
    private readonly server: Server,
    /** The folder's descriptor. It stays open as long as the server, because Node removes the socket by a path through it. */
    private readonly descriptor: number,
    private readonly tokenFile: TokenFile
  ) {}

  /**
   * Starts a launcher in `folder`.
   *
   * @param tokenLifeMs - the lifetime of the default token in milliseconds; only tests set it
   */
  static async start(folder: string, issuer: TokenIssuer, tokenLifeMs?: number): Promise<SimulatedLauncher> {
    await mkdir(folder, { recursive: true });
    await chmod(folder, 0o755);
    const tokenFile = new TokenFile(folder, issuer, tokenLifeMs);
    await tokenFile.start();
    const server = createServer((request, response) => {
      handleRequest(request, response, issuer).catch(() => response.destroy());
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

  /** Stops the launcher. Its folder is not removed. */
  async stop(): Promise<void> {
    this.tokenFile.stop();
    this.server.closeAllConnections();
    await new Promise(resolve => this.server.close(resolve));
    closeSync(this.descriptor);
  }
}

/** Listens through the folder's descriptor, because the path of a Unix socket is limited to 107 bytes. */
async function listen(server: Server, folder: string, descriptor: number): Promise<void> {
  const socket = join(folder, LAUNCHER_SOCKET);
  await rm(socket, { force: true });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(`/proc/self/fd/${descriptor}/${LAUNCHER_SOCKET}`, resolve);
  });
  await chmod(socket, 0o777);
}
