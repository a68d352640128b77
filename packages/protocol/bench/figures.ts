/** A measured figure and the reference that it is compared with. A benchmark prints a list of figures as JSON. */
export interface Figure {
  readonly figure: string;
  readonly unit: 'ms' | 'MB' | 'faults';
  /** The measured value; for times, the median of several runs. */
  readonly value: number;
  readonly against: string;
  /** The value of the reference, measured in the same run, or a fixed limit. */
  readonly reference: number;
  /** The maximum of `value / reference`. A figure without a limit is only informative. */
  readonly limit?: number;
}

/** Returns the median of several values. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? NaN;
}

/**
 * Measures `work` several times.
 *
 * @param warmUp - the number of runs before the first that is measured
 * @returns the times in milliseconds
 */
export async function times(rounds: number, warmUp: number, work: () => Promise<unknown>): Promise<number[]> {
  const taken: number[] = [];
  for (let round = 0; round < warmUp + rounds; round++) {
    const started = performance.now();
    await work();
    if (round >= warmUp) taken.push(performance.now() - started);
  }
  return taken;
}

/** Prints figures for `npm run bench`. */
export function print(figures: readonly Figure[]): void {
  console.log(JSON.stringify(figures));
}
