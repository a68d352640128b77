import { randomUUID } from 'node:crypto';
import { createServer, type ListenOptions, type Server } from 'node:net';

/** Something of the supervisor's to reach for, over TCP and over an abstract socket; both count who comes. */
export interface Listeners {
  readonly tcp: number;
  readonly abstract: string;
  connections(): number;
  close(): Promise<void>;
}

function listen(server: Server, where: ListenOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject).listen(where, resolve);
  });
}

export async function openListeners(): Promise<Listeners> {
  let connections = 0;
  const open = async (where: ListenOptions): Promise<Server> => {
    const server = createServer(socket => {
      connections++;
      socket.destroy();
    });
    await listen(server, where);
    return server;
  };
  const abstract = `clean-room-probe-${randomUUID()}`;
  const servers = await Promise.all([open({ host: '127.0.0.1', port: 0 }), open({ path: `\0${abstract}` })]);
  const address = servers[0].address();
  return {
    tcp: typeof address === 'object' && address !== null ? address.port : 0,
    abstract,
    connections: () => connections,
    close: async () => {
      await Promise.all(servers.map(server => new Promise(resolve => server.close(resolve))));
    }
  };
}
