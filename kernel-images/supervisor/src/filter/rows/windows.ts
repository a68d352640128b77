import type { Survey } from './survey.js';
import { columnsOf, type Occurrence, type Reading } from './reading.js';

/** Tokens that stand together, and how surprising it would be to find them together in a row. */
export interface Window {
  /** How often each key stands in it, and in which outputs. */
  readonly keys: ReadonlyMap<number, { readonly times: number; readonly outputs: ReadonlySet<number> }>;
  /** By column: bits of surprise when a row's value in it is among the window's tokens. Only columns with one bit or more. */
  readonly bits: ReadonlyMap<number, number>;
  /** Columns whose value most rows would share with the window: they tell nothing and count as shared. */
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

/** Surprise beyond what the best of all rows reaches by chance, with room for columns that go together. */
const MARGIN = 14;

/** The least surprise, in bits, that shows a row of a dataset of so many. */
export function threshold(rows: number): number {
  return Math.log2(Math.max(2, rows)) + MARGIN;
}

/**
 * The windows of a cell that could show a row of this dataset: each line, each run of tokens as long as a row, and each
 * run of such length down a column. Tokens that the dataset does not know are left out before, so that words between
 * the values don't matter.
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
  const least = threshold(survey.rows);
  return [...different.values()]
    .map(occurrences => makeWindow(occurrences, survey))
    .filter(({ bits, common }) => {
      const most = [...bits.values()].reduce((sum, value) => sum + value, 0);
      return bits.size + common > valuesPerRow && most >= least;
    });
}
