import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { CleanRoomError } from '@clean-room/protocol/errors';

/** The message with which `clean-room serve` tells the process that started it what it serves. */
export interface ServingMessage {
  readonly served: readonly { readonly name: string; readonly url: string }[];
}

/** A service that runs in a process of its own. */
export interface ServiceProcess {
  readonly name: string;
  readonly url: string;
  /** Resolves to the exit code when the process has ended, and to null when a signal ended it. */
  readonly ended: Promise<number | null>;
  /** Stops the process and waits for its end. */
  close(): Promise<void>;
}

/** Waits until a process serves, or has ended. */
async function serving(child: ChildProcess, ended: Promise<number | null>): Promise<ServingMessage> {
  const message = once(child, 'message').then(([sent]) => sent as ServingMessage);
  // A process that ends first never sends its message.
  message.catch(() => undefined);
  const first = await Promise.race([message, ended]);
  if (typeof first === 'object' && first !== null) return first;
  throw new CleanRoomError('unavailable', 'A part of the demo did not start. Its own message is above.', {
    remedy: 'Correct that, and start the demo again.'
  });
}

/**
 * Runs `clean-room serve` in a process of its own, and waits until it serves. The process ends together with this one, however
 * this one ends.
 *
 * @param options - options of `clean-room serve` that start one service
 * @throws CleanRoomError `unavailable` when the process ends before it serves
 */
export async function startServiceProcess(...options: string[]): Promise<ServiceProcess> {
  const [, command = ''] = process.argv;
  const child = fork(command, ['serve', ...options], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  const ended = once(child, 'exit').then(([code]) => code as number | null);
  const { served } = await serving(child, ended);
  const [{ name, url } = { name: 'service', url: '' }] = served;
  return {
    name,
    url,
    ended,
    close: async () => {
      child.kill('SIGTERM');
      await ended;
    }
  };
}
