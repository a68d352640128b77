import { access, constants } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { CleanRoomError } from '@clean-room/protocol/errors';

/** Programs that a container needs, each with the Debian package that brings it. */
const TOOLS: Readonly<Record<string, string>> = {
  bwrap: 'bubblewrap',
  unshare: 'util-linux',
  setpriv: 'util-linux',
  flock: 'util-linux',
  mount: 'mount',
  mknod: 'coreutils',
  sync: 'coreutils'
};

/** Administration tools are not on every person's PATH. */
export const TOOL_PATH = [process.env['PATH'], '/usr/sbin:/usr/bin:/sbin:/bin']
  .filter(Boolean)
  .join(delimiter);

/**
 * @param path where to look, a list like PATH
 * @throws CleanRoomError `backend-unavailable` that names what to install, or the machine that is needed
 */
export async function requireTools(path = TOOL_PATH): Promise<void> {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new CleanRoomError(
      'backend-unavailable',
      'The simulator runs kernel images for Linux on amd64 only.',
      {
        remedy: 'Use the one-container image of the clean room on this machine.'
      }
    );
  }
  const missing: string[] = [];
  for (const tool of Object.keys(TOOLS)) if (!(await isOnPath(tool, path))) missing.push(tool);
  if (missing.length === 0) return;
  const packages = [...new Set(missing.map(tool => TOOLS[tool]))].join(' ');
  throw new CleanRoomError(
    'backend-unavailable',
    `The simulator needs ${missing.join(', ')}; nothing was started.`,
    {
      remedy: `Install them, on Debian and Ubuntu with: apt-get install ${packages}`,
      details: { missing: missing.join(' ') }
    }
  );
}

async function isOnPath(tool: string, path: string): Promise<boolean> {
  for (const folder of path.split(delimiter).filter(Boolean)) {
    const found = await access(join(folder, tool), constants.X_OK).then(
      () => true,
      () => false
    );
    if (found) return true;
  }
  return false;
}

/** Whether this is root, who can do everything, or an ordinary user, who gets a user namespace. */
export function isRoot(): boolean {
  return process.getuid?.() === 0;
}
