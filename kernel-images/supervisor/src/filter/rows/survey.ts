import type { Dataset } from './dataset.js';
import type { KeyTable } from './keys.js';

const MOST_REMEMBERED = 65_536;

/** How often each key is met in one column. */
export class ColumnSurvey {
  readonly counts = new Map<number, number>();
  minimum = Infinity;
  maximum = -Infinity;
  /** Rows whose value is the one of the row before. */
  repeats = 0;
  #before: unknown;
  readonly #keys: KeyTable;
  readonly #remembered = new Map<unknown, readonly number[]>();

  constructor(keys: KeyTable) {
    this.#keys = keys;
  }

  /** The keys of a value; columns with few different values are looked up once for each. */
  match(value: unknown): readonly number[] {
    const name = value instanceof Date ? value.getTime() : value;
    const known = this.#remembered.get(name);
    if (known !== undefined) return known;
    const keys = [...new Set(this.#keys.match(value))];
    if (this.#remembered.size < MOST_REMEMBERED && typeof name !== 'object') this.#remembered.set(name, keys);
    return keys;
  }

  count(value: unknown): void {
    const name = value instanceof Date ? value.getTime() : value;
    if (name === this.#before) this.repeats++;
    this.#before = name;
    if (typeof value === 'number' || typeof value === 'bigint') {
      const number = Number(value);
      if (number < this.minimum) this.minimum = number;
      if (number > this.maximum) this.maximum = number;
    }
    for (const key of this.match(value)) this.counts.set(key, (this.counts.get(key) ?? 0) + 1);
  }
}

/** What the data says of the outputs' keys, column by column. */
export interface Survey {
  readonly rows: number;
  readonly columns: readonly ColumnSurvey[];
}

/** Reads a dataset once and counts in how many rows of each column a key is met. */
export async function survey(dataset: Dataset, keys: KeyTable): Promise<Survey> {
  const columns = dataset.columns.map(() => new ColumnSurvey(keys));
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
