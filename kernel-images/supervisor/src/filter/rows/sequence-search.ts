import type { KeyTable } from './keys.js';
import type { Occurrence } from './reading.js';
import type { RowKeys } from './scan.js';
import type { ColumnSurvey, Survey } from './survey.js';

const SHORTEST = 8;
/** Surprise beyond what the best of all rows and places reaches by chance. */
const MARGIN = 8;

/** Where each position of all streams ends a run of values that follow each other in one column as well. */
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

/** How a value follows the one before it in a stream. */
const [CHANGE, REPEAT, COUNTING] = [0, 1, 2];

type Stream = readonly Occurrence[];
type ValueOf = (token: Occurrence) => number;

/** Counting up or down is no one's secret, so it tells nothing. */
function stepsOf(stream: Stream, valueOf: ValueOf): number[] {
  const values = stream.map(token => (token.keys.length === 0 ? NaN : valueOf(token)));
  return values.map((value, position) => {
    const [before = NaN, earlier = NaN] = [values[position - 1], values[position - 2]];
    if (value === before) return REPEAT;
    return Math.abs(value - before - (before - earlier)) < 1e-9 ? COUNTING : CHANGE;
  });
}

/** What a position of a stream tells when a column goes on as the stream does. */
class Telling {
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

/** One column's search: the streams that could be a part of it, and how far each had come at this row and the last. */
class ColumnSearch {
  readonly outputs: number[] = [];
  readonly steps: number[] = [];
  readonly positions = new Map<number, number[]>();
  readonly telling: Telling;
  readonly even: Runs;
  readonly odd: Runs;

  constructor(
    streams: readonly { readonly stream: Stream; readonly steps: readonly number[] }[],
    column: ColumnSurvey,
    telling: Telling
  ) {
    this.telling = telling;
    for (const { stream, steps } of streams) {
      // Nothing stands between two streams: a run can't go from the one to the other.
      this.outputs.push(-1);
      this.steps.push(COUNTING);
      stream.forEach((token, place) => {
        this.#place(token.keys, column.counts);
        this.outputs.push(token.output);
        this.steps.push(steps[place] ?? CHANGE);
      });
    }
    this.even = new Runs(this.outputs.length);
    this.odd = new Runs(this.outputs.length);
  }

  #place(keys: readonly number[], counts: ReadonlyMap<number, number>): void {
    const position = this.outputs.length;
    for (const key of keys) {
      if (!counts.has(key)) continue;
      const known = this.positions.get(key);
      if (known === undefined) this.positions.set(key, [position]);
      else known.push(position);
    }
  }
}

/** Looks for columns, or parts of them, that were printed in the order of the data: `list(df.age)`. */
export class SequenceSearch {
  readonly #survey: Survey;
  readonly #least: number;
  readonly #found = new Set<number>();
  readonly #columns: readonly ColumnSearch[];

  constructor(streams: readonly Stream[], survey: Survey, keys: KeyTable) {
    this.#survey = survey;
    const length = streams.reduce((sum, stream) => sum + stream.length, 0);
    this.#least = Math.log2(Math.max(2, survey.rows)) + Math.log2(length + 1) + MARGIN;
    const valueOf = ({ keys: [first = 0] }: Occurrence) => {
      const { kind, value } = keys.weight(first);
      return kind === 'number' ? value : first;
    };
    const known = streams.map(stream => ({ stream, steps: stepsOf(stream, valueOf) }));
    this.#columns = survey.columns.map(column => {
      const telling = new Telling(column, survey.rows);
      const possible = known.filter(({ stream, steps }) => this.#couldShow(stream, steps, column, telling));
      return new ColumnSearch(possible, column, telling);
    });
  }

  /** Whether the longest run of values of the column in a stream could tell enough. */
  #couldShow(stream: Stream, steps: readonly number[], { counts }: ColumnSurvey, telling: Telling): boolean {
    let [length, bits] = [0, 0];
    for (const [place, { keys }] of stream.entries()) {
      const known = keys.filter(key => counts.has(key));
      if (known.length === 0) length = bits = 0;
      else {
        length++;
        bits += Math.max(...known.map(key => telling.bits(key, steps[place])));
        if (length >= SHORTEST && bits >= this.#least) return true;
      }
    }
    return false;
  }

  get cost(): number {
    let steps = 0;
    this.#columns.forEach(({ positions }, index) => {
      const counts = this.#survey.columns[index]?.counts;
      for (const [key, places] of positions) steps += (counts?.get(key) ?? 0) * places.length;
    });
    return steps;
  }

  look({ row, keys }: RowKeys): void {
    for (const [column, search] of this.#columns.entries()) {
      if (search.positions.size === 0) continue;
      for (const key of keys[column] ?? []) this.#extend(search, row, key);
    }
  }

  #extend(search: ColumnSearch, row: number, key: number): void {
    const positions = search.positions.get(key);
    if (positions === undefined) return;
    const [now, before] = row % 2 === 0 ? [search.even, search.odd] : [search.odd, search.even];
    const gains = [CHANGE, REPEAT, COUNTING].map(step => search.telling.bits(key, step));
    for (const position of positions) {
      const follows = before.rows[position - 1] === row - 1;
      const gain = gains[search.steps[position] ?? CHANGE] ?? 0;
      const length = follows ? (before.lengths[position - 1] ?? 0) + 1 : 1;
      const bits = follows ? (before.bits[position - 1] ?? 0) + gain : gain;
      now.rows[position] = row;
      now.lengths[position] = length;
      now.bits[position] = bits;
      if (length >= SHORTEST && bits >= this.#least) this.#report(search.outputs, position, length);
    }
  }

  #report(outputs: readonly number[], end: number, length: number): void {
    for (let position = end; position > end - length; position--) this.#found.add(outputs[position] ?? -1);
  }

  found(): ReadonlySet<number> {
    return this.#found;
  }
}
