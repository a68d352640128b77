import { closeSync, constants, openSync } from 'node:fs';
import { chmod, mkdir, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import { handleRequest, type RequestToken } from './handler.js';
import type { LauncherLog } from './log.js';
import { TokenFile } from './token-file.js';

/** The name of the launcher's socket in its folder. */
export const LAUNCHER_SOCKET = 'teeserver.sock';

/** Settings of a `TeeServer`. */
export interface TeeServerOptions {
  readonly folder: string;
  readonly requestToken: RequestToken;
  readonly log: LauncherLog;
  /** Whether the default token is not written to a file. */
  readonly withoutTokenFile?: boolean;
}

/** The server of the launcher's socket: a folder with the socket and the default token, to be mounted into the container. */
export class TeeServer {
  private constructor(
    readonly folder: string,
    private readonly server: Server,
    /** The folder's descriptor. It stays open as long as the server, because Node removes the socket by a path through it. */
    private readonly descriptor: number,
    private readonly tokenFile: TokenFile
  ) {}

  /**
   * Starts a server.
   *
   * @throws ServiceError if the service does not issue the default token
   */
  static async start(options: TeeServerOptions): Promise<TeeServer> {
    const { folder, requestToken, log, withoutTokenFile = false } = options;
    await mkdir(folder, { recursive: true });
    await chmod(folder, 0o755);
    const tokenFile = new TokenFile(folder, requestToken, log);
    if (!withoutTokenFile) await tokenFile.start();
    const server = createServer((request, response) => {
      handleRequest(request, response, requestToken).catch(() => response.destroy());
    });
    const descriptor = openSync(folder, constants.O_RDONLY | constants.O_DIRECTORY);
    try {
      await listen(server, folder, descriptor);
    } catch (error) {
      tokenFile.stop();
      closeSync(descriptor);
      throw error;
    }
    return new TeeServer(folder, server, descriptor, tokenFile);
  }

  /** Stops the server. Its folder is not removed. */
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
