import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { closed } from './registry.js';

/** A TCP proxy before a registry, which cuts connections off when told to. */
export interface BreakingProxy {
  readonly host: string;
  /** Connections so far. */
  readonly connections: number;
  /** Cuts the next `times` connections off once they have carried `bytes` in that direction. */
  breakNext(times: number, direction: 'up' | 'down', bytes: number): void;
  /** How many were cut off. */
  readonly broken: number;
  /** Bytes that clients have sent so far. */
  readonly carriedUp: number;
  stop(): Promise<void>;
}

export async function startBreakingProxy(target: string): Promise<BreakingProxy> {
  const [hostname, port] = target.split(':');
  const sockets = new Set<Socket>();
  let plan = { times: 0, direction: 'up', bytes: 0 };
  let connections = 0;
  let broken = 0;
  let carriedUp = 0;

  const server = createServer(client => {
    connections++;
    const upstream = connect(Number(port), hostname);
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        sockets.delete(socket);
        if (socket === client) upstream.destroy();
        else client.end();
      });
    }
    const carried = { up: 0, down: 0 };
    const carry = (from: Socket, to: Socket, direction: 'up' | 'down'): void => {
      from.on('data', (chunk: Buffer) => {
        carried[direction] += chunk.length;
        if (direction === 'up') carriedUp += chunk.length;
        if (plan.times > 0 && plan.direction === direction && carried[direction] > plan.bytes) {
          plan = { ...plan, times: plan.times - 1 };
          broken++;
          // What the client has got already stays with it; what the registry has got does not matter.
          if (direction === 'down') client.end();
          else client.resetAndDestroy();
          upstream.resetAndDestroy();
          return;
        }
        if (!to.write(chunk)) {
          from.pause();
          to.once('drain', () => from.resume());
        }
      });
      from.on('end', () => to.end());
    };
    carry(client, upstream, 'up');
    carry(upstream, client, 'down');
  }).listen(0, '127.0.0.1');
  await new Promise(resolve => server.once('listening', resolve));

  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    get connections() {
      return connections;
    },
    get carriedUp() {
      return carriedUp;
    },
    get broken() {
      return broken;
    },
    breakNext(times, direction, bytes) {
      plan = { times, direction, bytes };
    },
    async stop() {
      for (const socket of sockets) socket.destroy();
      await closed(server);
    }
  };
}
