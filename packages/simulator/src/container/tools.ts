import { access, constants } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { CleanRoomError } from '@clean-room/protocol/errors';

/** The programs that a container needs, each with its Debian package. */
const TOOLS: Readonly<Record<string, string>> = {
  bwrap: 'bubblewrap',
  unshare: 'util-linux',
  setpriv: 'util-linux',
  flock: 'util-linux',
  mount: 'mount',
  mknod: 'coreutils',
  sync: 'coreutils'
};

/** The PATH for these programs. Administration tools are not on every user's own PATH. */
export const TOOL_PATH = [process.env['PATH'], '/usr/sbin:/usr/bin:/sbin:/bin']
  .filter(Boolean)
  .join(delimiter);

/**
 * Checks that this machine can run kernel images and has all programs for it.
 *
 * @param path - the folders to search, separated as in PATH
 * @throws CleanRoomError `backend-unavailable` with the packages to install
 */
export async function requireTools(path = TOOL_PATH): Promise<void> {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new CleanRoomError('backend-unavailable', 'The simulator runs only on Linux on amd64.', {
      remedy: 'On this machine, use the container image of the clean room.'
    });
  }
  const missing: string[] = [];
  for (const tool of Object.keys(TOOLS)) if (!(await isOnPath(tool, path))) missing.push(tool);
  if (missing.length === 0) return;
  const packages = [...new Set(missing.map(tool => TOOLS[tool]))].join(' ');
  throw new CleanRoomError(
    'backend-unavailable',
    `The simulator needs ${missing.join(', ')}. Nothing was started.`,
    {
      remedy: `Install them. On Debian and Ubuntu: apt-get install ${packages}`,
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

/** Returns whether this process is root. Containers of an ordinary user get a user namespace. */
export function isRoot(): boolean {
  return process.getuid?.() === 0;
}
