import { statfs } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import type { SandboxLimits } from '@clean-room/sandbox';
import type { RunTerms } from '@clean-room/protocol/policies';
import type { Compute } from '@clean-room/protocol/submissions';

const MOST_DISK = 8 * 1024 ** 3;
/** Time for an interrupt to work, so that a cell that takes too long is a result and the run's end is not. */
const INTERRUPT_SECONDS = 5;

/** The notebook may use what the spec asks for and every provider allows. */
export async function sandboxLimits(jail: string, terms: RunTerms, compute: Compute): Promise<SandboxLimits> {
  const { bavail, bsize } = await statfs(jail);
  const cores = coresOf(compute);
  return {
    memoryBytes: Math.min(terms.memoryBytes, compute.memoryBytes),
    diskBytes: Math.max(1024 ** 2, Math.min(MOST_DISK, Math.floor((bavail * bsize) / 2))),
    inodes: 200_000,
    // Thread pools of numeric libraries grow with the square of the cores.
    processes: 128 + 8 * cores ** 2,
    openFiles: 1024,
    wallSeconds: terms.wallSeconds,
    cellSeconds: Math.max(1, terms.wallSeconds - INTERRUPT_SECONDS),
    outputBytesPerCell: 128 * 1024 ** 2,
    outputsPerCell: 10_000
  };
}

export function coresOf(compute: Compute): number {
  return Math.min(compute.processors, availableParallelism());
}
