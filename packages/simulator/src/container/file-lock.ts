import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { TOOL_PATH } from './tools.js';

/**
 * Does something while no other process does it. The kernel holds the lock for a helper that lives as long as its
 * standard input, so a lock can't outlive its process, however that ends.
 */
export async function withFileLock<T>(path: string, work: () => Promise<T>): Promise<T> {
  const holder = spawn('flock', [path, 'sh', '-c', 'echo locked; exec cat'], {
    stdio: ['pipe', 'pipe', 'ignore'],
    env: { PATH: TOOL_PATH }
  });
  const ended = new Promise(resolve => {
    holder.once('exit', resolve);
    holder.once('error', resolve);
  });
  try {
    const locked = await Promise.race([
      once(holder.stdout, 'data').then(() => true),
      ended.then(() => false)
    ]);
    if (!locked) throw new CleanRoomError('backend-unavailable', `The lock ${path} could not be taken.`);
    return await work();
  } finally {
    holder.stdin.destroy();
    await ended;
  }
}
