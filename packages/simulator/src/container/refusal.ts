import { readFileSync } from 'node:fs';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { isRoot } from './tools.js';

/** How far a container got before it broke off. */
export type Stage = 'none' | 'namespace' | 'overlay' | 'container';

/** Says which mechanism the machine refused, and what its person can do about it. Nothing weaker is ever tried. */
export function refusal(stage: Stage, complaint: string): CleanRoomError {
  const heard = complaint.trim().split('\n').at(-1)?.slice(0, 300) ?? '';
  const { message, remedy } = wording(stage);
  return new CleanRoomError(
    'backend-unavailable',
    `${message} Nothing was started.${heard && ` (${heard})`}`,
    {
      remedy,
      details: { stage }
    }
  );
}

function wording(stage: Stage): { message: string; remedy: string } {
  switch (stage) {
    case 'none':
      return isRoot()
        ? { message: 'This machine refuses root a mount namespace.', remedy: PRIVILEGES }
        : {
            message: 'This machine refuses its users namespaces of their own.',
            remedy: userNamespaceRemedy()
          };
    case 'namespace':
      return {
        message: 'This machine refuses overlayfs over the clean room’s folder.',
        remedy: isRoot()
          ? `${PRIVILEGES} The folder must not itself lie on overlayfs: give it a volume of its own.`
          : 'Linux 5.11 or newer is needed, and a folder on a local file system such as ext4, xfs or btrfs.'
      };
    default:
      return {
        message: 'bwrap could not build the container.',
        remedy: isRoot()
          ? PRIVILEGES
          : 'If this is itself a container, let it have an unmasked /proc, or start the clean room outside of it.'
      };
  }
}

const PRIVILEGES = 'Inside a container, start that container privileged.';

function userNamespaceRemedy(): string {
  if (setting('kernel/apparmor_restrict_unprivileged_userns') === '1') {
    return 'AppArmor restricts them: run `sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0`, or start the clean room as root or in its container image.';
  }
  if (setting('kernel/unprivileged_userns_clone') === '0') {
    return 'Run `sudo sysctl kernel.unprivileged_userns_clone=1`, or start the clean room as root.';
  }
  if (setting('user/max_user_namespaces') === '0') {
    return 'Run `sudo sysctl user.max_user_namespaces=10000`, or start the clean room as root.';
  }
  return 'Allow unprivileged user namespaces, or start the clean room as root or in its container image.';
}

function setting(name: string): string | undefined {
  try {
    return readFileSync(`/proc/sys/${name}`, 'utf8').trim();
  } catch {
    return undefined;
  }
}
