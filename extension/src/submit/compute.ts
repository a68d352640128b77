import type { Compute } from '../../../packages/protocol/src/submissions/spec.js';

const GIB = 1024 ** 3;

/** The sizes that are offered. Kept few: a person picks one, nobody tunes. */
export const COMPUTE: readonly Compute[] = [
  { processors: 2, memoryBytes: 4 * GIB, accelerator: 'none' },
  { processors: 4, memoryBytes: 16 * GIB, accelerator: 'none' },
  { processors: 8, memoryBytes: 64 * GIB, accelerator: 'none' }
];
