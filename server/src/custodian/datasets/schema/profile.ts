import { createHash } from 'node:crypto';
import type { ColumnType } from '@clean-room/protocol/assets';
import type { Cell } from '../table/table.js';
import { isNoValue, readAs, scaleOf } from './value.js';

/** Narrower types first: a column is of the first that all of its values are of. */
const CANDIDATES: readonly ColumnType[] = ['boolean', 'integer', 'number', 'date', 'timestamp', 'text'];
const MOST_VALUES = 64;
const MOST_HASHES = 200_000;

/** What one pass over a column tells. It is the provider's own: nothing of it is published unless confirmed. */
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
  #longest = 0;

  constructor(name: string) {
    this.name = name;
  }

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
    this.#longest = Math.max(this.#longest, text.length);
    const scale = scaleOf(type, value);
    if (scale !== undefined) {
      this.least = Math.min(this.least, scale);
      this.greatest = Math.max(this.greatest, scale);
    }
    if (type === 'number') this.decimals = Math.max(this.decimals, decimalsOf(text));
    this.#count(text);
  }

  #count(text: string): void {
    if (this.#hashes.size < MOST_HASHES) {
      this.#hashes.add(text.length < 24 ? text : createHash('sha256').update(text).digest('base64'));
    }
    if (this.#counts === undefined) return;
    this.#counts.set(text, (this.#counts.get(text) ?? 0) + 1);
    if (this.#counts.size > MOST_VALUES) this.#counts = undefined;
  }

  get type(): ColumnType {
    return this.#candidates[0] ?? 'text';
  }

  /** Distinct values over values; exact up to 200,000 values, and a lower bound beyond. */
  get uniqueness(): number {
    const values = Math.min(this.rows - this.nulls, MOST_HASHES);
    return values === 0 ? 0 : this.#hashes.size / values;
  }

  get longest(): number {
    return this.#longest;
  }

  /** Every value with how often it stands; nothing when there are too many. */
  get counts(): ReadonlyMap<string, number> | undefined {
    return this.#counts;
  }
}

function decimalsOf(text: string): number {
  if (/e/i.test(text)) return 15;
  const point = text.indexOf('.');
  return point === -1 ? 0 : Math.min(15, text.length - point - 1);
}
