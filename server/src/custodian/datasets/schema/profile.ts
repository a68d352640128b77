import { createHash } from 'node:crypto';
import type { ColumnType } from '@clean-room/protocol/assets';
import type { Cell } from '../table/table.js';
import { isNoValue, readAs, scaleOf } from './value.js';

/** Column types, narrower ones first. A column has the first type that fits all of its values. */
const CANDIDATES: readonly ColumnType[] = ['boolean', 'integer', 'number', 'date', 'timestamp', 'text'];
const MAX_COUNTED_VALUES = 64;
const MAX_HASHES = 200_000;

/** Facts about a column, collected in one pass. They stay with the provider and are published only if confirmed. */
export class ColumnProfile {
  readonly name: string;
  rows = 0;
  nulls = 0;
  decimals = 0;
  least = Infinity;
  greatest = -Infinity;
  #candidates: ColumnType[] = [...CANDIDATES];
  #counts: Map<string, number> | undefined = new Map();
  readonly #hashes = new Set<string>();

  constructor(name: string) {
    this.name = name;
  }

  /** Adds one value of the column. */
  add(cell: Cell): void {
    this.rows += 1;
    if (cell === null || (this.type !== 'text' && isNoValue(cell))) {
      this.nulls += 1;
      return;
    }
    this.#candidates = this.#candidates.filter(type => readAs(type, cell) !== undefined);
    const { type } = this;
    const value = readAs(type, cell);
    if (value === null || value === undefined) return;
    const text = value instanceof Date ? value.toISOString() : String(value);
    const scale = scaleOf(type, value);
    if (scale !== undefined) {
      this.least = Math.min(this.least, scale);
      this.greatest = Math.max(this.greatest, scale);
    }
    if (type === 'number') this.decimals = Math.max(this.decimals, decimalsOf(text));
    this.#count(text);
  }

  #count(text: string): void {
    if (this.#hashes.size < MAX_HASHES) {
      this.#hashes.add(text.length < 24 ? text : createHash('sha256').update(text).digest('base64'));
    }
    if (this.#counts === undefined) return;
    this.#counts.set(text, (this.#counts.get(text) ?? 0) + 1);
    if (this.#counts.size > MAX_COUNTED_VALUES) this.#counts = undefined;
  }

  /** The narrowest type of all values so far. */
  get type(): ColumnType {
    return this.#candidates[0] ?? 'text';
  }

  /** The number of distinct values divided by the number of values. Above 200,000 values it is a lower bound. */
  get uniqueness(): number {
    const values = Math.min(this.rows - this.nulls, MAX_HASHES);
    return values === 0 ? 0 : this.#hashes.size / values;
  }

  /** The number of rows of each value, or undefined when there are too many different values. */
  get counts(): ReadonlyMap<string, number> | undefined {
    return this.#counts;
  }
}

function decimalsOf(text: string): number {
  if (/e/i.test(text)) return 15;
  const point = text.indexOf('.');
  return point === -1 ? 0 : Math.min(15, text.length - point - 1);
}
