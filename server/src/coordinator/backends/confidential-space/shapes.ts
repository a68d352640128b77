import type { TeeKind, TeeShape } from '../backend.js';

/** The kinds of TEE that Confidential Space has. */
export type HardwareKind = Exclude<TeeKind, 'SIMULATED'>;

const GIB = 1024 ** 3;
/** Both families have this much memory for each processor. */
const GIB_PER_PROCESSOR = 4;

/**
 * The machine families by kind of TEE, with their sizes. N2D has AMD processors with SEV, C3 has Intel processors with TDX.
 * Confidential Space does not offer SEV-SNP.
 */
const FAMILIES: Readonly<Record<HardwareKind, { readonly name: string; readonly sizes: readonly number[] }>> =
  {
    SEV: { name: 'n2d-standard', sizes: [2, 4, 8, 16, 32, 48, 64, 80, 96, 128, 224] },
    TDX: { name: 'c3-standard', sizes: [4, 8, 22, 44, 88, 176] }
  };

/** Memory of a machine that its guest system and supervisor need. A notebook cannot ask for it. */
const RESERVED_BYTES = 2 * GIB;

/**
 * Returns the machine sizes of these kinds of TEE, the smallest of a kind first.
 *
 * @param dollarsPerHour - approximate prices by machine type, for the sizes whose price the operator knows
 */
export function shapesOf(
  kinds: readonly HardwareKind[],
  dollarsPerHour: Readonly<Record<string, number>>
): TeeShape[] {
  return kinds.flatMap(tee => {
    const { name: family, sizes } = FAMILIES[tee];
    return sizes.map(processors => {
      const name = `${family}-${processors}`;
      const price = dollarsPerHour[name];
      return {
        tee,
        name,
        processors,
        memoryBytes: processors * GIB_PER_PROCESSOR * GIB - RESERVED_BYTES,
        ...(price === undefined ? {} : { dollarsPerHour: price })
      };
    });
  });
}
