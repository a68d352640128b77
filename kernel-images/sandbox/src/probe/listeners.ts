import { randomUUID } from 'node:crypto';
import { createServer, type ListenOptions, type Server } from 'node:net';

/** A TCP and an abstract Unix server of the supervisor. The probe tries to connect to them from inside the sandbox. */
export interface Listeners {
  /** Port on 127.0.0.1. */
  readonly tcp: number;
  /** Name of the abstract socket, without the leading null byte. */
  readonly abstract: string;
  /** Returns the number of connections to both servers. */
  connections(): number;
  close(): Promise<void>;
}

function listen(server: Server, address: ListenOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject).listen(address, resolve);
  });
}

/** Starts both servers. */
export async function openListeners(): Promise<Listeners> {
  let connections = 0;
  const open = async (address: ListenOptions): Promise<Server> => {
    const server = createServer(socket => {
      connections++;
      socket.destroy();
    });
    await listen(server, address);
    return server;
  };
  const abstract = `clean-room-probe-${randomUUID()}`;
  const servers = await Promise.all([open({ host: '127.0.0.1', port: 0 }), open({ path: `\0${abstract}` })]);
  const bound = servers[0].address();
  return {
    tcp: typeof bound === 'object' && bound !== null ? bound.port : 0,
    abstract,
    connections: () => connections,
    close: async () => {
      await Promise.all(servers.map(server => new Promise(resolve => server.close(resolve))));
    }
  };
}
