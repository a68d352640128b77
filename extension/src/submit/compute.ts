import { strictestTerms } from '@clean-room/protocol/policies';
import type { Compute } from '@clean-room/protocol/submissions';
import type { Asset, MachineSize } from '../api/types.js';

const GIB = 1024 ** 3;

/** The machine sizes that a person can choose. There are few, so that the choice is easy. */
const SIZES: readonly Compute[] = [
  { processors: 2, memoryBytes: 4 * GIB, accelerator: 'none' },
  { processors: 4, memoryBytes: 16 * GIB, accelerator: 'none' },
  { processors: 8, memoryBytes: 64 * GIB, accelerator: 'none' }
];

/** The reason why a machine size cannot be selected. */
export type ComputeLimit =
  /** The policies of these providers allow less memory. */
  | { readonly kind: 'policy'; readonly providers: readonly string[]; readonly memoryBytes: number }
  /** A notebook without datasets may use less memory. */
  | { readonly kind: 'program'; readonly memoryBytes: number }
  /** The clean room has no machine that is large enough. */
  | { readonly kind: 'machine' };

/** The highest cost of a run that needs one start of a machine. */
export interface CostEstimate {
  readonly machine: string;
  readonly dollarsPerHour: number;
  /** The longest time that the notebook may run. */
  readonly hours: number;
}

/** A machine size in the submit dialog. */
export interface ComputeChoice {
  readonly compute: Compute;
  /** Why it cannot be selected. Absent if it can be. */
  readonly limit?: ComputeLimit;
  /** Absent if the price of the machine is not known. */
  readonly estimate?: CostEstimate;
}

function limitOf(
  { memoryBytes }: Compute,
  most: number,
  machine: MachineSize | undefined,
  chosen: readonly Asset[]
): ComputeLimit | undefined {
  if (memoryBytes > most) {
    const providers = chosen
      .filter(({ policy }) => policy.run.memoryBytes < memoryBytes)
      .map(({ provider }) => provider);
    return providers.length === 0
      ? { kind: 'program', memoryBytes: most }
      : { kind: 'policy', providers: [...new Set(providers)], memoryBytes: most };
  }
  return machine === undefined ? { kind: 'machine' } : undefined;
}

/**
 * Returns the machine sizes with what limits them and what they cost. The smallest one has less memory if the policies do not
 * allow more.
 *
 * @param machines - the machine sizes of the clean room, the smallest first
 * @param chosen - the datasets of the submission
 */
export function computeChoices(
  machines: readonly MachineSize[],
  chosen: readonly Asset[]
): readonly ComputeChoice[] {
  const { memoryBytes: most, wallSeconds } = strictestTerms(chosen.map(({ policy }) => policy)).run;
  return SIZES.map((size, index) => {
    const compute = index === 0 ? { ...size, memoryBytes: Math.min(size.memoryBytes, most) } : size;
    const machine = machines.find(
      ({ processors, memoryBytes }) => processors >= compute.processors && memoryBytes >= compute.memoryBytes
    );
    const limit = limitOf(compute, most, machine, chosen);
    if (limit !== undefined) return { compute, limit };
    if (machine?.dollarsPerHour === undefined) return { compute };
    const { name, dollarsPerHour } = machine;
    return { compute, estimate: { machine: name, dollarsPerHour, hours: wallSeconds / 3600 } };
  });
}
