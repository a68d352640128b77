import { readFile } from 'node:fs/promises';
import type { SandboxProfile } from '@clean-room/protocol/policies';

/** The notebook's user, and the one that ends its processes. */
export const SANDBOX_UID = 10_001;
export const KILLER_UID = 10_002;

/**
 * The one profile that this container can hold: `second-uid` where it has the sandbox's users, `nested-namespace` where it
 * has but one user. Whether it really holds, the probe finds out.
 */
export async function possibleProfile(): Promise<SandboxProfile> {
  const map = await readFile('/proc/self/uid_map', 'utf8');
  const has = (uid: number): boolean =>
    map
      .trim()
      .split('\n')
      .some(line => {
        const [first = 0, , count = 0] = line.trim().split(/\s+/).map(Number);
        return uid >= first && uid < first + count;
      });
  return has(SANDBOX_UID) && has(KILLER_UID) ? 'second-uid' : 'nested-namespace';
}
