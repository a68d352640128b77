/** One measured figure and what it is held against; a bench prints a list of them as JSON. */
export interface Figure {
  readonly figure: string;
  readonly unit: 'ms' | 'MB';
  /** Of times, the median of several runs. */
  readonly value: number;
  readonly against: string;
  /** Measured in the same run, or a fixed limit. */
  readonly reference: number;
  /** The most that `value / reference` may be; without it the figure is for information. */
  readonly limit?: number;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? NaN;
}

/** Times `work` again and again. @param warmUp runs that do not count */
export async function times(rounds: number, warmUp: number, work: () => Promise<unknown>): Promise<number[]> {
  const taken: number[] = [];
  for (let round = 0; round < warmUp + rounds; round++) {
    const started = performance.now();
    await work();
    if (round >= warmUp) taken.push(performance.now() - started);
  }
  return taken;
}

export function print(figures: readonly Figure[]): void {
  console.log(JSON.stringify(figures));
}
