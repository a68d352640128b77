import { readFile, statfs } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import type { SandboxLimits } from '@clean-room/sandbox';
import type { RunTerms, SandboxProfile } from '@clean-room/protocol/policies';
import type { Compute } from '@clean-room/protocol/submissions';
import { LAUNCHER_SOCKET } from '../attestation/launcher.js';

/** Paths of the files that the supervisor uses. `kernelImagePaths` returns those of a kernel image; tests have others. */
export interface RuntimePaths {
  /** Root of the image's file system, which contains spec and workspace. */
  readonly root: string;
  readonly jail: string;
  readonly wardenPath: string;
  readonly policyPath: string;
  readonly launcherSocket: string;
  readonly profile: SandboxProfile;
}

/** Users of the notebook's sandbox and of the image decoder's. Neither can reach the processes of the other. */
const USERS = {
  notebook: { uid: 10_001, killerUid: 10_002 },
  images: { uid: 10_003, killerUid: 10_004 }
} as const;

/** The user that owns the notebook's files in the profile `second-uid`. */
export const NOTEBOOK_UID = USERS.notebook.uid;

/** Returns the options that every sandbox of the run is opened with. */
export function sandboxOptions(paths: RuntimePaths, user: keyof typeof USERS) {
  const { jail, profile, wardenPath, policyPath } = paths;
  return { jail, mode: profile, wardenPath, policyPath, ...USERS[user] };
}

/** Root with a range of mapped users can run the sandbox as another user. Any other user needs namespaces. */
async function detectProfile(): Promise<SandboxProfile> {
  if (process.geteuid?.() !== 0) return 'nested-namespace';
  const map = await readFile('/proc/self/uid_map', 'utf8');
  const mapped = map.split('\n').some(line => {
    const [first, , count] = line.trim().split(/\s+/).map(Number);
    return (
      first !== undefined &&
      count !== undefined &&
      first <= USERS.notebook.uid &&
      first + count > USERS.images.killerUid
    );
  });
  return mapped ? 'second-uid' : 'nested-namespace';
}

/** Returns the paths that are the same in every kernel image. */
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

const MAX_DISK_BYTES = 8 * 1024 ** 3;
/** Time for an interrupt to take effect, so that a cell that takes too long ends before the run's time limit does. */
const INTERRUPT_SECONDS = 5;

/** Returns the limits of the notebook's sandbox: what the spec requests, reduced to what every provider allows. */
export async function sandboxLimits(jail: string, terms: RunTerms, compute: Compute): Promise<SandboxLimits> {
  const { bavail, bsize } = await statfs(jail);
  const cores = coresOf(compute);
  return {
    memoryBytes: Math.min(terms.memoryBytes, compute.memoryBytes),
    diskBytes: Math.max(1024 ** 2, Math.min(MAX_DISK_BYTES, Math.floor((bavail * bsize) / 2))),
    inodes: 200_000,
    // Thread pools of numeric libraries grow with the square of the number of cores.
    processes: 128 + 8 * cores ** 2,
    openFiles: 1024,
    wallSeconds: terms.wallSeconds,
    cellSeconds: Math.max(1, terms.wallSeconds - INTERRUPT_SECONDS),
    outputBytesPerCell: 128 * 1024 ** 2,
    outputsPerCell: 10_000
  };
}

/** Returns how many processor cores the notebook uses: those that the spec requests, if the machine has so many. */
export function coresOf(compute: Compute): number {
  return Math.min(compute.processors, availableParallelism());
}
