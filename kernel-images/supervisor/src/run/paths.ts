import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LAUNCHER_SOCKET } from '../launcher/launcher.js';
import type { SandboxProfile } from '@clean-room/protocol/policies';

/** Where things are on the machine. The kernel image's own layout; tests have theirs. */
export interface RuntimePaths {
  /** Of the image's file system: spec and workspace lie below it. */
  readonly root: string;
  readonly jail: string;
  readonly wardenPath: string;
  readonly policyPath: string;
  readonly launcherSocket: string;
  readonly profile: SandboxProfile;
}

/** Users of the sandbox, and of the decoder of images: none of them can reach the other's processes. */
export const USERS = {
  notebook: { uid: 10_001, killerUid: 10_002 },
  images: { uid: 10_003, killerUid: 10_004 }
} as const;

/** Root with a whole range of users can make the sandbox another user; everyone else has one user, and namespaces. */
async function detectProfile(): Promise<SandboxProfile> {
  if (process.geteuid?.() !== 0) return 'nested-namespace';
  const map = await readFile('/proc/self/uid_map', 'utf8');
  const mapped = map.split('\n').some(line => {
    const [first, , count] = line.trim().split(/\s+/).map(Number);
    return first !== undefined && count !== undefined && first <= 10_001 && first + count > 10_004;
  });
  return mapped ? 'second-uid' : 'nested-namespace';
}

/** The layout of every kernel image. */
export async function kernelImagePaths(): Promise<RuntimePaths> {
  const own = '/usr/lib/clean-room';
  return {
    root: '/',
    jail: '/jail',
    wardenPath: join(own, 'warden'),
    policyPath: join(own, 'policy.bpf'),
    launcherSocket: LAUNCHER_SOCKET,
    profile: await detectProfile()
  };
}
