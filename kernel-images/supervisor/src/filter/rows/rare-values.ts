import type { Dataset } from './dataset.js';
import type { KeyTable } from './keys.js';
import type { Reading } from './reading.js';
import type { ColumnSurvey, Survey } from './survey.js';

/** A value that occurs in at most this many rows can identify a person. */
const RARE_ROWS = 3;
/** A summary contains the extremes and quartiles of a column. More exact values of the data are a list of values. */
const MAX_RARE = 8;
/** Minimum number of digits or characters of a value that is not likely to occur by chance. */
const MIN_LENGTH = { column: { number: 5, phrase: 6 }, identifier: { number: 5, phrase: 4 } } as const;

/**
 * Returns the probability that a random number with so many decimals occurs in the column. In a column with many rows
 * even exact numbers match by chance.
 */
function chanceOfMatch(column: ColumnSurvey, rows: number, decimals: number): number {
  const numbers = (column.maximum - column.minimum) * 10 ** decimals + 1;
  return Number.isFinite(numbers) ? Math.min(1, rows / numbers) : 1;
}

/** The different tokens of one output, as their keys. */
class OutputKeys {
  readonly tokens = new Map<string, readonly number[]>();
  readonly all = new Set<number>();

  add(keys: readonly number[]): void {
    this.tokens.set(keys.join(), keys);
    for (const key of keys) this.all.add(key);
  }
}

/** Returns the rare values of the column that the output shows. A token shows at most one: the most precise that it can mean. */
function rareValues(
  { tokens }: OutputKeys,
  { counts }: ColumnSurvey,
  isLong: (key: number) => boolean
): Set<number> {
  const rare = new Set<number>();
  for (const meanings of tokens.values()) {
    const key = meanings.find(key => {
      const count = counts.get(key) ?? 0;
      return count > 0 && count <= RARE_ROWS && isLong(key);
    });
    if (key !== undefined) rare.add(key);
  }
  return rare;
}

/** Returns the number of an output's numbers to expect in the column by chance. */
function expectedMatches(
  { all }: OutputKeys,
  column: ColumnSurvey,
  rows: number,
  keys: KeyTable,
  isLong: (key: number) => boolean
): number {
  let expected = 0;
  for (const key of all) {
    const { kind, value, decimals } = keys.weight(key);
    if (kind === 'number' && isLong(key) && value >= column.minimum && value <= column.maximum) {
      expected += chanceOfMatch(column, rows, decimals);
    }
  }
  return expected;
}

/**
 * Returns the outputs that list values of a column: many rare values, or one value of an identifier column. The number of
 * matches to expect by chance is taken into account.
 */
export function findRareValues(
  readings: readonly Reading[],
  dataset: Dataset,
  survey: Survey,
  keys: KeyTable
): Set<number> {
  const byOutput = new Map<number, OutputKeys>();
  for (const { output, keys: meanings } of readings.flatMap(reading => reading.lines.flat())) {
    const known = byOutput.get(output) ?? new OutputKeys();
    known.add(meanings);
    byOutput.set(output, known);
  }
  const found = new Set<number>();
  for (const [output, keysOfOutput] of byOutput) {
    survey.columns.forEach((column, index) => {
      const identifier = dataset.columns[index]?.identifier === true;
      const minLength = identifier ? MIN_LENGTH.identifier : MIN_LENGTH.column;
      const isLong = (key: number): boolean => {
        const { kind, length } = keys.weight(key);
        return length >= minLength[kind];
      };
      const expected = expectedMatches(keysOfOutput, column, survey.rows, keys, isLong);
      const allowed = identifier
        ? Math.max(0, Math.ceil(3 * expected - 0.1))
        : Math.max(MAX_RARE, 3 * expected);
      if (rareValues(keysOfOutput, column, isLong).size > allowed) found.add(output);
    });
  }
  return found;
}
