import { readFileSync } from 'node:fs';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { isRoot } from './tools.js';

/** The last completed step of building a container. */
export type SetupStage = 'none' | 'namespace' | 'overlay' | 'container';

/**
 * Returns the error that names the mechanism which the machine lacks, with a remedy. The simulator never falls back to a weaker
 * container.
 *
 * @param errorOutput - the error output of the programs that build the container
 */
export function containerError(stage: SetupStage, errorOutput: string): CleanRoomError {
  const lastLine = errorOutput.trim().split('\n').at(-1)?.slice(0, 300) ?? '';
  const { message, remedy } = messageFor(stage);
  return new CleanRoomError(
    'backend-unavailable',
    `${message} Nothing was started.${lastLine && ` (${lastLine})`}`,
    {
      remedy,
      details: { stage }
    }
  );
}

function messageFor(stage: SetupStage): { message: string; remedy: string } {
  switch (stage) {
    case 'none':
      return isRoot()
        ? { message: 'This machine does not allow root to create a mount namespace.', remedy: PRIVILEGES }
        : {
            message: 'This machine does not allow ordinary users to create namespaces.',
            remedy: userNamespaceRemedy()
          };
    case 'namespace':
      return {
        message: 'This machine does not allow overlayfs in the clean room’s folder.',
        remedy: isRoot()
          ? `${PRIVILEGES} The folder itself must not be on overlayfs: mount a volume for it.`
          : 'Use Linux 5.11 or newer, and a folder on a local file system such as ext4, xfs or btrfs.'
      };
    default:
      return {
        message: 'bwrap could not build the container.',
        remedy: isRoot()
          ? PRIVILEGES
          : 'If this machine is itself a container, start that container with an unmasked /proc, or start the clean room outside of it.'
      };
  }
}

const PRIVILEGES = 'If this machine is itself a container, start that container as privileged.';

function userNamespaceRemedy(): string {
  if (setting('kernel/apparmor_restrict_unprivileged_userns') === '1') {
    return 'AppArmor restricts namespaces: run `sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0`, or start the clean room as root or in its container image.';
  }
  if (setting('kernel/unprivileged_userns_clone') === '0') {
    return 'Run `sudo sysctl kernel.unprivileged_userns_clone=1`, or start the clean room as root.';
  }
  if (setting('user/max_user_namespaces') === '0') {
    return 'Run `sudo sysctl user.max_user_namespaces=10000`, or start the clean room as root.';
  }
  return 'Allow unprivileged user namespaces, or start the clean room as root or in its container image.';
}

/** Returns a kernel setting, or undefined if this kernel does not have it. */
function setting(name: string): string | undefined {
  try {
    return readFileSync(`/proc/sys/${name}`, 'utf8').trim();
  } catch {
    return undefined;
  }
}
