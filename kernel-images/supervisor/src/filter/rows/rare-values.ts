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

interface RareMatches {
  /** Keys of the output that match a rare value. */
  readonly rare: Set<number>;
  /** Number of matches to expect by chance. */
  expected: number;
}

function findMatches(
  keysOfOutput: ReadonlySet<number>,
  column: ColumnSurvey,
  rows: number,
  keys: KeyTable,
  minLength: { readonly number: number; readonly phrase: number }
): RareMatches {
  const matches: RareMatches = { rare: new Set(), expected: 0 };
  for (const key of keysOfOutput) {
    const { kind, length, value, decimals } = keys.weight(key);
    if (length < minLength[kind]) continue;
    if (kind === 'number' && value >= column.minimum && value <= column.maximum) {
      matches.expected += chanceOfMatch(column, rows, decimals);
    }
    const count = column.counts.get(key) ?? 0;
    if (count > 0 && count <= RARE_ROWS) matches.rare.add(key);
  }
  return matches;
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
  const byOutput = new Map<number, Set<number>>();
  for (const { output, keys: meanings } of readings.flatMap(reading => reading.lines.flat())) {
    const known = byOutput.get(output) ?? new Set<number>();
    for (const key of meanings) known.add(key);
    byOutput.set(output, known);
  }
  const found = new Set<number>();
  for (const [output, keysOfOutput] of byOutput) {
    survey.columns.forEach((column, index) => {
      const identifier = dataset.columns[index]?.identifier === true;
      const minLength = identifier ? MIN_LENGTH.identifier : MIN_LENGTH.column;
      const { rare, expected } = findMatches(keysOfOutput, column, survey.rows, keys, minLength);
      const allowed = identifier
        ? Math.max(0, Math.ceil(3 * expected - 0.1))
        : Math.max(MAX_RARE, 3 * expected);
      if (rare.size > allowed) found.add(output);
    });
  }
  return found;
}
