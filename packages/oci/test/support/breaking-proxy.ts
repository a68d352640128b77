import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { closed } from './registry.js';

/** A TCP proxy in front of a registry that breaks connections on request. */
export interface BreakingProxy {
  readonly host: string;
  /** Breaks the next `times` connections after each has carried `bytes` in that direction. */
  breakNext(times: number, direction: 'up' | 'down', bytes: number): void;
  /** The number of connections broken so far. */
  readonly broken: number;
  /** The number of bytes that clients have sent so far. */
  readonly carriedUp: number;
  stop(): Promise<void>;
}

/** Starts a proxy in front of `target`, a host and port. */
export async function startBreakingProxy(target: string): Promise<BreakingProxy> {
  const [hostname, port] = target.split(':');
  const sockets = new Set<Socket>();
  let plan = { times: 0, direction: 'up', bytes: 0 };
  let broken = 0;
  let carriedUp = 0;

  const server = createServer(client => {
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
          // The client keeps the bytes that it has received. The bytes at the registry do not matter.
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
