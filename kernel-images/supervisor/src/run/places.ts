import { join } from 'node:path';

/** Where things lie in the kernel image, seen by the supervisor. */
export interface Places {
  /** The image's root; anything but `/` only in tests. */
  readonly root: string;
  readonly jail: string;
  readonly warden: string;
  readonly policy: string;
  readonly launcherSocket: string;
}

export function placesBelow(root: string, launcherSocket: string): Places {
  return {
    root,
    jail: join(root, 'jail'),
    warden: join(root, 'usr/lib/clean-room/warden'),
    policy: join(root, 'usr/lib/clean-room/policy.bpf'),
    launcherSocket
  };
}
