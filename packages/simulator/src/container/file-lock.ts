import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { TOOL_PATH } from './tools.js';

/**
 * Runs `work` while no other process holds the lock file. A helper process holds the lock and exits when its standard input
 * closes, so the lock is released when this process ends, even if it is killed.
 *
 * @throws CleanRoomError `backend-unavailable` if the lock cannot be taken
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
    if (!locked) throw new CleanRoomError('backend-unavailable', `The file ${path} could not be locked.`);
    return await work();
  } finally {
    holder.stdin.destroy();
    await ended;
  }
}
