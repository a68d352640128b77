import { unitsOf, significantDigits } from './numbers.js';
import { LONGEST_PHRASE, wordsOf, type Token } from './tokens.js';

const NONE: readonly number[] = [];
const NUMERIC = /^[+-]?\d+(?:\.\d+)?$/;

/** How informative a key is when it occurs in the data. */
export interface KeyWeight {
  readonly kind: 'number' | 'phrase';
  /** Significant digits of a number, or characters of a phrase or day. */
  readonly length: number;
  /** Value and number of decimals, for numbers only. */
  readonly value: number;
  readonly decimals: number;
}

/** Numbers ("keys") for all possible meanings of the outputs' tokens, to look up which of them a dataset's value matches. */
export class KeyTable {
  readonly #numbers = new Map<number, Map<number, number>>();
  readonly #phrases = new Map<string, number>();
  readonly #weights: KeyWeight[] = [];

  /** Adds a token of an output and returns its keys. */
  add(token: Token): number[] {
    const keys = token.numbers.map(({ units, decimals }) => {
      const ofDecimals = this.#numbers.get(decimals) ?? new Map<number, number>();
      this.#numbers.set(decimals, ofDecimals);
      const known = ofDecimals.get(units);
      if (known !== undefined) return known;
      const length = significantDigits({ units, decimals });
      const key = this.#weights.push({ kind: 'number', length, value: units / 10 ** decimals, decimals }) - 1;
      ofDecimals.set(units, key);
      return key;
    });
    for (const phrase of [...token.days.map(day => `day ${day}`), ...token.phrases]) {
      const known = this.#phrases.get(phrase);
      if (known !== undefined) keys.push(known);
      else {
        const length = phrase.length;
        const key = this.#weights.push({ kind: 'phrase', length, value: NaN, decimals: 0 }) - 1;
        this.#phrases.set(phrase, key);
        keys.push(key);
      }
    }
    return keys;
  }

  /** Number of keys. Keys count from 0. */
  get size(): number {
    return this.#weights.length;
  }

  /** Returns how informative a key is. */
  weight(key: number): KeyWeight {
    const weight = this.#weights[key];
    if (weight === undefined) throw new RangeError('The key does not exist.');
    return weight;
  }

  /**
   * Returns the keys that a value of a dataset matches. A number matches at every precision that an output uses; a text
   * matches as a whole.
   */
  match(value: unknown): readonly number[] {
    if (value === null || value === undefined) return NONE;
    switch (typeof value) {
      case 'number':
        return Number.isFinite(value) ? this.#matchNumber(value) : NONE;
      case 'bigint':
        return this.#matchNumber(Number(value));
      case 'boolean':
        return this.#matchPhrases([String(value)]);
      case 'string':
        return this.#matchText(value);
      default:
        return this.#matchObject(value);
    }
  }

  #matchNumber(value: number): number[] {
    const found: number[] = [];
    for (const [decimals, units] of this.#numbers) {
      for (const unit of unitsOf(value, decimals)) {
        const key = units.get(unit);
        if (key !== undefined) found.push(key);
      }
    }
    return found;
  }

  #matchPhrases(phrases: readonly string[]): number[] {
    return phrases.flatMap(phrase => this.#phrases.get(phrase) ?? NONE);
  }

  #matchText(text: string): readonly number[] {
    const words = wordsOf(text);
    if (words.length === 0) return NONE;
    const starts = words.length <= LONGEST_PHRASE ? [0] : words.slice(LONGEST_PHRASE - 1).map((_, at) => at);
    const phrases = starts.map(start => words.slice(start, start + LONGEST_PHRASE).join(' '));
    if (/^\d{4}-\d{2}-\d{2}/.test(text)) phrases.push(`day ${text.slice(0, 10)}`);
    const found = this.#matchPhrases(phrases);
    return NUMERIC.test(text) ? [...found, ...this.#matchNumber(Number(text))] : found;
  }

  #matchObject(value: object): readonly number[] {
    if (value instanceof Date) {
      return Number.isNaN(value.getTime())
        ? NONE
        : this.#matchPhrases([`day ${value.toISOString().slice(0, 10)}`]);
    }
    if (ArrayBuffer.isView(value)) return NONE;
    return Object.values(value).flatMap(item => this.match(item));
  }
}
