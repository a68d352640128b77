import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { systemErrorCode } from '@clean-room/node-support';
import { CleanRoomError } from '@clean-room/protocol/errors';
import type { App } from './app.js';

/** An address to listen on. With port 0, the operating system chooses a free port. */
interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

/** Reasons why a server cannot listen on an address, with what to do about each. */
const REASONS: Readonly<Record<string, readonly [reason: string, remedy: string]>> = {
  EADDRINUSE: [
    'another program uses the port',
    'Stop the other program, or configure another port in "listen".'
  ],
  EACCES: ['the port is reserved', 'Configure a port from 1024 in "listen".'],
  EADDRNOTAVAIL: ['this machine does not have the address', 'Correct the host in "listen".'],
  ENOTFOUND: ['the host name is unknown', 'Correct the host in "listen".']
};

function listenError(name: string, { host, port }: ListenAddress, cause: unknown): CleanRoomError {
  const code = systemErrorCode(cause) ?? 'an unknown error';
  const [reason, remedy] = REASONS[code] ?? [`the system reports ${code}`, 'Correct "listen".'];
  return new CleanRoomError('unavailable', `${name} cannot listen on ${host}:${port}: ${reason}.`, {
    remedy,
    cause
  });
}

/**
 * Checks that a server will be able to listen on an address, before slower steps of its start.
 *
 * @param name - the server as named in messages, such as `The coordinator`
 * @throws CleanRoomError `unavailable` with the reason
 */
export async function requireFreeAddress(name: string, address: ListenAddress): Promise<void> {
  const probe = createServer().listen(address.port, address.host);
  try {
    await once(probe, 'listening');
  } catch (cause) {
    throw listenError(name, address, cause);
  }
  probe.close();
  await once(probe, 'close');
}

/**
 * Makes an application listen on an address.
 *
 * @param name - the server as named in messages, such as `The coordinator`
 * @returns the port
 * @throws CleanRoomError `unavailable` with the reason
 */
export async function listen(app: App, name: string, address: ListenAddress): Promise<number> {
  try {
    await app.listen({ host: address.host, port: address.port });
  } catch (cause) {
    throw listenError(name, address, cause);
  }
  return (app.server.address() as AddressInfo).port;
}
