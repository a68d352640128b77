import type { Dataset } from './dataset.js';
import type { KeyTable } from './keys.js';
import type { Reading } from './reading.js';
import type { ColumnSurvey, Survey } from './survey.js';

/** A value that no more rows than this have points at a person. */
const RARE_ROWS = 3;
/** A summary names the ends and quarters of a column; more values as they stand in the data are a list of them. */
const MOST_RARE = 8;
const TELLING = { column: { number: 5, phrase: 6 }, identifier: { number: 5, phrase: 4 } } as const;

/** How likely any number of such precision is in the column: ever so exact numbers are met by chance in a full one. */
function occupancy(column: ColumnSurvey, rows: number, decimals: number): number {
  const places = (column.maximum - column.minimum) * 10 ** decimals + 1;
  return Number.isFinite(places) ? Math.min(1, rows / places) : 1;
}

interface Sighting {
  readonly rare: Set<number>;
  expected: number;
}

function look(
  keysOfOutput: ReadonlySet<number>,
  column: ColumnSurvey,
  rows: number,
  keys: KeyTable,
  telling: { readonly number: number; readonly phrase: number }
): Sighting {
  const sighting: Sighting = { rare: new Set(), expected: 0 };
  for (const key of keysOfOutput) {
    const { kind, length, value, decimals } = keys.weight(key);
    if (length < telling[kind]) continue;
    if (kind === 'number' && value >= column.minimum && value <= column.maximum) {
      sighting.expected += occupancy(column, rows, decimals);
    }
    const count = column.counts.get(key) ?? 0;
    if (count > 0 && count <= RARE_ROWS) sighting.rare.add(key);
  }
  return sighting;
}

/**
 * The outputs that list values of a column: many that hardly any row has, or one of a column that names persons.
 * What chance would give for numbers of such precision is allowed for.
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
      const telling = identifier ? TELLING.identifier : TELLING.column;
      const { rare, expected } = look(keysOfOutput, column, survey.rows, keys, telling);
      const most = identifier
        ? Math.max(0, Math.ceil(3 * expected - 0.1))
        : Math.max(MOST_RARE, 3 * expected);
      if (rare.size > most) found.add(output);
    });
  }
  return found;
}
