import type { Survey } from './survey.js';
import { columnsOf, type Occurrence, type Reading } from './reading.js';

/** Tokens that are close together, and how surprising it would be to find their values in one row. */
export interface Window {
  /** How often each key occurs in the window, and in which outputs. */
  readonly keys: ReadonlyMap<number, { readonly times: number; readonly outputs: ReadonlySet<number> }>;
  /** By column: bits of surprise when the window contains a row's value of it. Only columns with at least one bit. */
  readonly bits: ReadonlyMap<number, number>;
  /** Number of columns whose value most rows share with the window. They are not informative and count as shared. */
  readonly common: number;
}

function makeWindow(occurrences: readonly Occurrence[], { rows, columns }: Survey): Window {
  const keys = new Map<number, { times: number; outputs: Set<number> }>();
  for (const { keys: meanings, output } of occurrences) {
    for (const key of meanings) {
      const known = keys.get(key) ?? { times: 0, outputs: new Set<number>() };
      known.times++;
      known.outputs.add(output);
      keys.set(key, known);
    }
  }
  const bits = new Map<number, number>();
  let common = 0;
  columns.forEach(({ counts }, column) => {
    let share = 0;
    for (const key of keys.keys()) share += (counts.get(key) ?? 0) / rows;
    if (share > 0.5) common++;
    else if (share > 0) bits.set(column, -Math.log2(share));
  });
  return { keys, bits, common };
}

function* sliding(stream: readonly Occurrence[], size: number, hop: number): Generator<Occurrence[]> {
  for (let start = 0; ; start += hop) {
    yield stream.slice(start, start + size);
    if (start + size >= stream.length) return;
  }
}

/**
 * Bits of surprise required in addition to those that the best of all rows reaches by chance. The margin allows for
 * correlated columns.
 */
const MARGIN_BITS = 14;

/** Returns the surprise, in bits, from which a window shows a row of a dataset with so many rows. */
export function requiredBits(rows: number): number {
  return Math.log2(Math.max(2, rows)) + MARGIN_BITS;
}

/**
 * Returns the windows of a cell that could show a row of this dataset: each line, each run of tokens as long as a row,
 * and each run of that length down a column. Tokens that do not occur in the dataset are removed first, so that words
 * between the values do not matter.
 */
export function windowsOf(reading: Reading, survey: Survey, valuesPerRow: number): Window[] {
  const known = new Set(survey.columns.flatMap(column => [...column.counts.keys()]));
  const lines = reading.lines.map(line =>
    line
      .map(occurrence => ({ ...occurrence, keys: occurrence.keys.filter(key => known.has(key)) }))
      .filter(occurrence => occurrence.keys.length > 0)
  );
  const width = survey.columns.length;
  const [size, hop] = [width + 4, Math.max(2, width >> 2)];
  const candidates = [
    ...lines,
    ...sliding(lines.flat(), size, hop),
    ...columnsOf(lines).flatMap(column => [...sliding(column, size, hop)])
  ].filter(occurrences => occurrences.length > valuesPerRow);
  const different = new Map<string, Occurrence[]>();
  for (const occurrences of candidates) {
    const name = occurrences
      .map(({ keys, output }) => `${output}:${keys.join()}`)
      .sort()
      .join(';');
    different.set(name, occurrences);
  }
  const required = requiredBits(survey.rows);
  return [...different.values()]
    .map(occurrences => makeWindow(occurrences, survey))
    .filter(({ bits, common }) => {
      const possible = [...bits.values()].reduce((sum, value) => sum + value, 0);
      return bits.size + common > valuesPerRow && possible >= required;
    });
}
