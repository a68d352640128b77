import type { KeyTable } from './keys.js';
import type { Occurrence } from './reading.js';
import type { RowKeys } from './scan.js';
import type { ColumnSurvey, Survey } from './survey.js';

/** Minimum number of consecutive values. */
const MIN_VALUES = 8;
/** Bits of surprise required in addition to those that the best of all rows and positions reaches by chance. */
const MARGIN_BITS = 8;

/** For each position of the streams: the run of consecutive values of a column that ends there. */
class Runs {
  readonly lengths: Int32Array;
  readonly bits: Float64Array;
  readonly rows: Int32Array;

  constructor(positions: number) {
    this.lengths = new Int32Array(positions);
    this.bits = new Float64Array(positions);
    this.rows = new Int32Array(positions).fill(-2);
  }
}

/** How a value of a stream relates to the one before it. */
const [CHANGE, REPEAT, COUNTING] = [0, 1, 2];

type Stream = readonly Occurrence[];
type ValueOf = (token: Occurrence) => number;

/** Returns the step to each value of a stream. Counting up or down in equal steps is not informative. */
function stepsOf(stream: Stream, valueOf: ValueOf): number[] {
  const values = stream.map(token => (token.keys.length === 0 ? NaN : valueOf(token)));
  return values.map((value, position) => {
    const [before = NaN, earlier = NaN] = [values[position - 1], values[position - 2]];
    if (value === before) return REPEAT;
    return Math.abs(value - before - (before - earlier)) < 1e-9 ? COUNTING : CHANGE;
  });
}

/** The information, in bits, in a position of a stream at which the column continues like the stream. */
class Surprise {
  readonly #rows: number;
  readonly #column: ColumnSurvey;
  readonly #repeat: number;
  readonly #change: number;

  constructor(column: ColumnSurvey, rows: number) {
    this.#rows = rows;
    this.#column = column;
    const repeats = Math.min(0.999, Math.max(0.001, column.repeats / rows));
    this.#repeat = -Math.log2(repeats);
    this.#change = -Math.log2(1 - repeats);
  }

  bits(key: number, step: number | undefined): number {
    if (step === COUNTING) return 0;
    if (step === REPEAT) return this.#repeat;
    return this.#change + Math.log2(this.#rows / (this.#column.counts.get(key) ?? this.#rows));
  }
}

/** The search in one column: the streams that could be a part of it, and the runs at this row and at the last one. */
class ColumnSearch {
  readonly outputs: number[] = [];
  readonly steps: number[] = [];
  readonly positions = new Map<number, number[]>();
  readonly surprise: Surprise;
  readonly even: Runs;
  readonly odd: Runs;

  constructor(
    streams: readonly { readonly stream: Stream; readonly steps: readonly number[] }[],
    column: ColumnSurvey,
    surprise: Surprise
  ) {
    this.surprise = surprise;
    for (const { stream, steps } of streams) {
      // A position without keys separates two streams, so that a run cannot continue from one to the other.
      this.outputs.push(-1);
      this.steps.push(COUNTING);
      stream.forEach((token, index) => {
        this.#addPosition(token.keys, column.counts);
        this.outputs.push(token.output);
        this.steps.push(steps[index] ?? CHANGE);
      });
    }
    this.even = new Runs(this.outputs.length);
    this.odd = new Runs(this.outputs.length);
  }

  #addPosition(keys: readonly number[], counts: ReadonlyMap<number, number>): void {
    const position = this.outputs.length;
    for (const key of keys) {
      if (!counts.has(key)) continue;
      const known = this.positions.get(key);
      if (known === undefined) this.positions.set(key, [position]);
      else known.push(position);
    }
  }
}

/** Searches for columns, or parts of them, that were printed in the order of the data, such as `list(df.age)`. */
export class SequenceSearch {
  readonly #survey: Survey;
  readonly #requiredBits: number;
  readonly #found = new Set<number>();
  readonly #columns: readonly ColumnSearch[];

  constructor(streams: readonly Stream[], survey: Survey, keys: KeyTable) {
    this.#survey = survey;
    const length = streams.reduce((sum, stream) => sum + stream.length, 0);
    this.#requiredBits = Math.log2(Math.max(2, survey.rows)) + Math.log2(length + 1) + MARGIN_BITS;
    const valueOf = ({ keys: [first = 0] }: Occurrence) => {
      const { value } = keys.weight(first);
      return Number.isNaN(value) ? first : value;
    };
    const known = streams.map(stream => ({ stream, steps: stepsOf(stream, valueOf) }));
    this.#columns = survey.columns.map(column => {
      const surprise = new Surprise(column, survey.rows);
      const possible = known.filter(({ stream, steps }) => this.#couldShow(stream, steps, column, surprise));
      return new ColumnSearch(possible, column, surprise);
    });
  }

  /** Returns whether a stream contains a run of the column's values with enough information. */
  #couldShow(
    stream: Stream,
    steps: readonly number[],
    { counts }: ColumnSurvey,
    surprise: Surprise
  ): boolean {
    let [length, bits] = [0, 0];
    for (const [index, { keys }] of stream.entries()) {
      const known = keys.filter(key => counts.has(key));
      if (known.length === 0) length = bits = 0;
      else {
        length++;
        bits += Math.max(...known.map(key => surprise.bits(key, steps[index])));
        if (length >= MIN_VALUES && bits >= this.#requiredBits) return true;
      }
    }
    return false;
  }

  /** Number of steps that the search takes, known before it starts. */
  get cost(): number {
    let steps = 0;
    this.#columns.forEach(({ positions }, index) => {
      const counts = this.#survey.columns[index]?.counts;
      for (const [key, ofKey] of positions) steps += (counts?.get(key) ?? 0) * ofKey.length;
    });
    return steps;
  }

  /** Compares one row with the streams. Rows must be visited in order. */
  visit({ row, keys }: RowKeys): void {
    for (const [column, search] of this.#columns.entries()) {
      if (search.positions.size === 0) continue;
      for (const key of keys[column] ?? []) this.#extend(search, row, key);
    }
  }

  #extend(search: ColumnSearch, row: number, key: number): void {
    const positions = search.positions.get(key);
    if (positions === undefined) return;
    const [now, before] = row % 2 === 0 ? [search.even, search.odd] : [search.odd, search.even];
    const gains = [CHANGE, REPEAT, COUNTING].map(step => search.surprise.bits(key, step));
    for (const position of positions) {
      const follows = before.rows[position - 1] === row - 1;
      const gain = gains[search.steps[position] ?? CHANGE] ?? 0;
      const length = follows ? (before.lengths[position - 1] ?? 0) + 1 : 1;
      const bits = follows ? (before.bits[position - 1] ?? 0) + gain : gain;
      now.rows[position] = row;
      now.lengths[position] = length;
      now.bits[position] = bits;
      if (length >= MIN_VALUES && bits >= this.#requiredBits) this.#report(search.outputs, position, length);
    }
  }

  #report(outputs: readonly number[], end: number, length: number): void {
    for (let position = end; position > end - length; position--) this.#found.add(outputs[position] ?? -1);
  }

  /** Returns the outputs that show a part of a column. */
  found(): ReadonlySet<number> {
    return this.#found;
  }
}
