import type { ValueForm } from './dataset.js';
import { DAY, dayName, momentName, timeName } from './moments.js';
import {
  MAX_DECIMALS,
  exactNumber,
  exactUnitsOf,
  needsExactness,
  significantDigits,
  unitsOf,
  type ExactNumber,
  type Units
} from './numbers.js';
import { LONGEST_PHRASE, uuidName, wordsOf, type Token } from './tokens.js';

const NONE: readonly number[] = [];
const NUMERIC = /^[+-]?\d+(?:\.\d+)?$/;
const DAY_NANOSECONDS = BigInt(DAY);

/** How informative a key is when it occurs in the data. */
export interface KeyWeight {
  readonly kind: 'number' | 'phrase';
  /** Significant digits of a number, or characters of a phrase or name. */
  readonly length: number;
  /** A number, day or time as a number; NaN for others. Equal steps between the values of a list are not informative. */
  readonly value: number;
  /** For numbers only. */
  readonly decimals: number;
}

/** The keys of all numbers with the same number of decimals. */
interface NumberKeys {
  readonly keys: Map<Units, number>;
  /** Whether a double cannot hold some of them. */
  large: boolean;
}

/** Numbers ("keys") for all possible meanings of the outputs' tokens, to look up which of them a dataset's value matches. */
export class KeyTable {
  readonly #numbers = new Map<number, NumberKeys>();
  readonly #phrases = new Map<string, number>();
  /** The precisions in which the outputs write times. */
  readonly #precisions = new Set<number>();
  readonly #weights: KeyWeight[] = [];

  /** Adds a token of an output and returns its keys, the most precise meaning first. */
  add(token: Token): number[] {
    for (const precision of token.precisions) this.#precisions.add(precision);
    return [
      ...token.names.map(({ name, value }) => this.#addPhrase(name, value)),
      ...token.numbers.map(({ units, decimals }) => this.#addNumber(units, decimals)),
      ...token.phrases.map(phrase => this.#addPhrase(phrase, NaN))
    ];
  }

  #addNumber(units: Units, decimals: number): number {
    const ofDecimals = this.#numbers.get(decimals) ?? { keys: new Map<Units, number>(), large: false };
    this.#numbers.set(decimals, ofDecimals);
    const known = ofDecimals.keys.get(units);
    if (known !== undefined) return known;
    const length = significantDigits({ units, decimals });
    const value = Number(units) / 10 ** decimals;
    const key = this.#weights.push({ kind: 'number', length, value, decimals }) - 1;
    ofDecimals.keys.set(units, key);
    if (typeof units === 'bigint') ofDecimals.large = true;
    return key;
  }

  #addPhrase(phrase: string, value: number): number {
    const known = this.#phrases.get(phrase);
    if (known !== undefined) return known;
    const key = this.#weights.push({ kind: 'phrase', length: phrase.length, value, decimals: 0 }) - 1;
    this.#phrases.set(phrase, key);
    return key;
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
   * Returns the keys that a value of a dataset matches. A number or time matches at every precision that an output uses; a text
   * matches as a whole.
   */
  match(value: unknown, form: ValueForm): readonly number[] {
    if (value === null || value === undefined) return NONE;
    switch (form.kind) {
      case 'plain':
        return this.#matchPlain(value);
      case 'decimal':
        return this.#matchExact({ digits: value as bigint, scale: form.scale });
      case 'day':
        return this.#matchPhrases([dayName(Number(value))]);
      case 'time':
        return this.#matchPhrases([...this.#precisions].map(precision => timeName(Number(value), precision)));
      case 'moment':
        return this.#matchMoment(value as bigint);
    }
  }

  #matchPlain(value: unknown): readonly number[] {
    switch (typeof value) {
      case 'number':
        return Number.isFinite(value) ? this.#matchNumber(value) : NONE;
      case 'bigint': {
        const number = Number(value);
        return Number.isSafeInteger(number)
          ? this.#matchNumber(number)
          : this.#matchExact({ digits: value, scale: 0 });
      }
      case 'boolean':
        return this.#matchPhrases([String(value)]);
      case 'string':
        return this.#matchText(value);
      case 'object':
        return value === null || ArrayBuffer.isView(value)
          ? NONE
          : Object.values(value).flatMap(item => this.#matchPlain(item));
      default:
        return NONE;
    }
  }

  #matchNumber(value: number): number[] {
    const found: number[] = [];
    for (const [decimals, { keys, large }] of this.#numbers) {
      if (decimals > MAX_DECIMALS) continue;
      for (const unit of this.#unitsOf(value, decimals, large)) {
        const key = keys.get(unit);
        if (key !== undefined) found.push(key);
      }
    }
    return found;
  }

  #unitsOf(value: number, decimals: number, large: boolean): readonly Units[] {
    const units = unitsOf(value, decimals);
    if (!large || Number.isSafeInteger(units[0])) return units;
    const exact = exactNumber(String(value));
    return exact === undefined ? units : exactUnitsOf(exact, decimals);
  }

  #matchExact(number: ExactNumber): number[] {
    const found: number[] = [];
    for (const [decimals, { keys }] of this.#numbers) {
      for (const unit of exactUnitsOf(number, decimals)) {
        const key = keys.get(unit);
        if (key !== undefined) found.push(key);
      }
    }
    return found;
  }

  #matchMoment(value: bigint): readonly number[] {
    const rest = value % DAY_NANOSECONDS;
    const nanoseconds = Number(rest < 0n ? rest + DAY_NANOSECONDS : rest);
    const day = Number((value - BigInt(nanoseconds)) / DAY_NANOSECONDS);
    const names = [...this.#precisions].map(precision => momentName(day, nanoseconds, precision));
    return this.#matchPhrases([...names, dayName(day)]);
  }

  #matchPhrases(phrases: readonly string[]): number[] {
    return phrases.flatMap(phrase => this.#phrases.get(phrase) ?? NONE);
  }

  #matchText(text: string): readonly number[] {
    const words = wordsOf(text);
    if (words.length === 0) return NONE;
    const starts = words.length <= LONGEST_PHRASE ? [0] : words.slice(LONGEST_PHRASE - 1).map((_, at) => at);
    const phrases = starts.map(start => words.slice(start, start + LONGEST_PHRASE).join(' '));
    const day = /^\d{4}-\d{2}-\d{2}/.test(text) ? Date.parse(`${text.slice(0, 10)}T00:00:00Z`) : NaN;
    if (!Number.isNaN(day)) phrases.push(dayName(day / 86_400_000));
    const uuid = uuidName(text);
    if (uuid !== undefined) phrases.push(uuid);
    const found = this.#matchPhrases(phrases);
    if (!NUMERIC.test(text)) return found;
    const exact = needsExactness(text) ? exactNumber(text) : undefined;
    return [...found, ...(exact === undefined ? this.#matchNumber(Number(text)) : this.#matchExact(exact))];
  }
}
