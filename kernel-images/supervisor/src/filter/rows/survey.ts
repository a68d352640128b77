import type { Dataset, ValueForm } from './dataset.js';
import type { KeyTable } from './keys.js';

const MAX_CACHED = 65_536;

/** Counts how often each key of the outputs occurs in one column. */
export class ColumnSurvey {
  /** Number of rows by key. */
  readonly counts = new Map<number, number>();
  /** Smallest and largest number in the column. */
  minimum = Infinity;
  maximum = -Infinity;
  /** Number of rows with the same value as the row before. */
  repeats = 0;
  #before: unknown;
  readonly #keys: KeyTable;
  readonly #form: ValueForm;
  readonly #cache = new Map<unknown, readonly number[]>();

  constructor(keys: KeyTable, form: ValueForm) {
    this.#keys = keys;
    this.#form = form;
  }

  /** Returns the keys that a value matches. A cache makes this fast for columns with few different values. */
  match(value: unknown): readonly number[] {
    const known = this.#cache.get(value);
    if (known !== undefined) return known;
    const keys = [...new Set(this.#keys.match(value, this.#form))];
    if (this.#cache.size < MAX_CACHED && typeof value !== 'object') this.#cache.set(value, keys);
    return keys;
  }

  /** Counts the value of the next row. */
  count(value: unknown): void {
    if (value === this.#before) this.repeats++;
    this.#before = value;
    if (typeof value === 'number' || typeof value === 'bigint') {
      const number = this.#form.kind === 'decimal' ? Number(value) / 10 ** this.#form.scale : Number(value);
      if (number < this.minimum) this.minimum = number;
      if (number > this.maximum) this.maximum = number;
    }
    for (const key of this.match(value)) this.counts.set(key, (this.counts.get(key) ?? 0) + 1);
  }
}

/** How often the outputs' keys occur in a dataset, by column. */
export interface Survey {
  readonly rows: number;
  readonly columns: readonly ColumnSurvey[];
}

/** Reads a dataset once and counts in how many rows of each column every key occurs. */
export async function survey(dataset: Dataset, keys: KeyTable): Promise<Survey> {
  const columns = dataset.columns.map(({ form }) => new ColumnSurvey(keys, form));
  let rows = 0;
  for await (const batch of dataset.batches()) {
    rows += batch.rows;
    columns.forEach((column, index) => {
      const values = batch.columns[index];
      for (let row = 0; row < batch.rows; row++) column.count(values?.[row]);
    });
  }
  return { rows, columns };
}
