import type { RowKeys } from './scan.js';
import type { Survey } from './survey.js';
import { threshold, type Window } from './windows.js';

/** A combination that more rows than this share tells of a group, not of a row. */
const GROUP_ROWS = 10;

interface Candidate {
  readonly window: Window;
  readonly columns: readonly { readonly column: number; readonly bits: number }[];
  row: number;
  hits: number;
  readonly outputs: Set<number>;
}

/** Columns of a window without which no row could surprise enough: a row that matches none of them is not looked at. */
function tellingColumns(window: Window, least: number): number[] {
  const byBits = [...window.bits].sort(([, a], [, b]) => a - b);
  let sum = 0;
  return byBits.filter(([, bits]) => (sum += bits) >= least).map(([column]) => column);
}

/** Looks through all rows for one that a window shows. */
export class RowSearch {
  readonly #survey: Survey;
  readonly #valuesPerRow: number;
  readonly #least: number;
  readonly #candidates: readonly Candidate[];
  /** By column and key: the windows that the key stands in, where the column is a telling one. */
  readonly #index: readonly Map<number, Candidate[]>[];

  constructor(windows: readonly Window[], survey: Survey, valuesPerRow: number) {
    this.#survey = survey;
    this.#valuesPerRow = valuesPerRow;
    this.#least = threshold(survey.rows);
    this.#index = survey.columns.map(() => new Map<number, Candidate[]>());
    this.#candidates = windows.map(window => ({
      window,
      columns: [...window.bits].sort(([, a], [, b]) => b - a).map(([column, bits]) => ({ column, bits })),
      row: -1,
      hits: 0,
      outputs: new Set()
    }));
    for (const candidate of this.#candidates) this.#learn(candidate);
  }

  #learn(candidate: Candidate): void {
    for (const column of tellingColumns(candidate.window, this.#least)) {
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

  /** How many steps a search takes, before it is begun. */
  get cost(): number {
    let steps = 0;
    this.#index.forEach((byKey, column) => {
      const counts = this.#survey.columns[column]?.counts;
      for (const [key, candidates] of byKey) steps += (counts?.get(key) ?? 0) * candidates.length * 16;
    });
    return steps;
  }

  look(row: RowKeys): void {
    for (const [column, byKey] of this.#index.entries()) {
      if (byKey.size === 0) continue;
      for (const key of row.keys[column] ?? []) {
        for (const candidate of byKey.get(key) ?? []) {
          if (candidate.row === row.row) continue;
          candidate.row = row.row;
          this.#judge(candidate, row);
        }
      }
    }
  }

  #judge(candidate: Candidate, row: RowKeys): void {
    const { window } = candidate;
    const used: number[] = [];
    let bits = 0;
    for (const { column, bits: surprise } of candidate.columns) {
      // One token is one value: a single 0 does not show every column that is 0.
      const key = row.keys[column]?.find(key => {
        const times = window.keys.get(key)?.times ?? 0;
        return times > 0 && used.filter(other => other === key).length < times;
      });
      if (key === undefined) continue;
      used.push(key);
      bits += surprise;
    }
    if (bits < this.#least || used.length + window.common <= this.#valuesPerRow) return;
    if (++candidate.hits > GROUP_ROWS) return;
    for (const key of used) {
      for (const output of window.keys.get(key)?.outputs ?? []) candidate.outputs.add(output);
    }
  }

  /** The outputs that show a row. */
  found(): Set<number> {
    const shown = this.#candidates.filter(({ hits }) => hits > 0 && hits <= GROUP_ROWS);
    return new Set(shown.flatMap(({ outputs }) => [...outputs]));
  }
}
