import { GROUP_ROWS, type RowKeys } from './scan.js';
import type { Survey } from './survey.js';
import { requiredBits, type Window } from './windows.js';

interface Candidate {
  readonly window: Window;
  readonly columns: readonly { readonly column: number; readonly bits: number }[];
  row: number;
  hits: number;
  readonly outputs: Set<number>;
}

/**
 * Returns the columns of a window that are needed to reach the required bits. A row that matches none of them does not
 * have to be compared.
 */
function decisiveColumns(window: Window, required: number): number[] {
  const byBits = [...window.bits].sort(([, a], [, b]) => a - b);
  let sum = 0;
  return byBits.filter(([, bits]) => (sum += bits) >= required).map(([column]) => column);
}

/** Searches for windows that show one row: enough of its values, together surprising enough. */
export class RowSearch {
  readonly #survey: Survey;
  readonly #valuesPerRow: number;
  readonly #required: number;
  readonly #candidates: readonly Candidate[];
  /** By column and key: the windows that contain the key, for their decisive columns only. */
  readonly #index: readonly Map<number, Candidate[]>[];

  constructor(windows: readonly Window[], survey: Survey, valuesPerRow: number) {
    this.#survey = survey;
    this.#valuesPerRow = valuesPerRow;
    this.#required = requiredBits(survey.rows);
    this.#index = survey.columns.map(() => new Map<number, Candidate[]>());
    this.#candidates = windows.map(window => ({
      window,
      columns: [...window.bits].sort(([, a], [, b]) => b - a).map(([column, bits]) => ({ column, bits })),
      row: -1,
      hits: 0,
      outputs: new Set()
    }));
    for (const candidate of this.#candidates) this.#addToIndex(candidate);
  }

  #addToIndex(candidate: Candidate): void {
    for (const column of decisiveColumns(candidate.window, this.#required)) {
      const counts = this.#survey.columns[column]?.counts;
      const byKey = this.#index[column];
      for (const key of candidate.window.keys.keys()) {
        if (counts?.has(key) !== true) continue;
        const known = byKey?.get(key);
        if (known === undefined) byKey?.set(key, [candidate]);
        else known.push(candidate);
      }
    }
  }

  /** Number of steps that the search takes, known before it starts. */
  get cost(): number {
    let steps = 0;
    this.#index.forEach((byKey, column) => {
      const counts = this.#survey.columns[column]?.counts;
      for (const [key, candidates] of byKey) steps += (counts?.get(key) ?? 0) * candidates.length * 16;
    });
    return steps;
  }

  /** Compares one row with the windows. */
  visit(row: RowKeys): void {
    for (const [column, byKey] of this.#index.entries()) {
      if (byKey.size === 0) continue;
      for (const key of row.keys[column] ?? []) {
        for (const candidate of byKey.get(key) ?? []) {
          if (candidate.row === row.row) continue;
          candidate.row = row.row;
          this.#compare(candidate, row);
        }
      }
    }
  }

  #compare(candidate: Candidate, row: RowKeys): void {
    const { window } = candidate;
    const used: number[] = [];
    let bits = 0;
    for (const { column, bits: surprise } of candidate.columns) {
      // One token shows one value only: a single 0 does not show every column that is 0.
      const key = row.keys[column]?.find(key => {
        const times = window.keys.get(key)?.times ?? 0;
        return times > 0 && used.filter(other => other === key).length < times;
      });
      if (key === undefined) continue;
      used.push(key);
      bits += surprise;
    }
    if (bits < this.#required || used.length + window.common <= this.#valuesPerRow) return;
    if (++candidate.hits > GROUP_ROWS) return;
    for (const key of used) {
      for (const output of window.keys.get(key)?.outputs ?? []) candidate.outputs.add(output);
    }
  }

  /** Returns the outputs that show a row. */
  found(): Set<number> {
    const shown = this.#candidates.filter(({ hits }) => hits > 0 && hits <= GROUP_ROWS);
    return new Set(shown.flatMap(({ outputs }) => [...outputs]));
  }
}
