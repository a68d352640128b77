import type { Dataset } from './dataset.js';
import { KeyTable } from './keys.js';
import { LineSearch } from './line-search.js';
import { findRareValues } from './rare-values.js';
import { readCell, streamsOf, type OutputText, type Reading } from './reading.js';
import { RowSearch } from './row-search.js';
import { scan } from './scan.js';
import { SequenceSearch } from './sequence-search.js';
import { survey, type Survey } from './survey.js';
import { windowsOf } from './windows.js';

/** Steps after which a search would take minutes. */
const MOST_STEPS = 1_500_000_000;

/** What was recognised. */
export interface Recognised {
  /** By output: the names of the datasets of which it shows rows. */
  readonly shown: ReadonlyMap<number, ReadonlySet<string>>;
  /** Outputs too long to be sure of. */
  readonly unsure: ReadonlySet<number>;
}

/** All searches of some cells in one dataset: each sees every row once. */
class Search {
  readonly #parts: readonly (LineSearch | RowSearch | SequenceSearch)[];

  constructor(readings: readonly Reading[], survey: Survey, keys: KeyTable, valuesPerRow: number) {
    const windows = readings.flatMap(reading => windowsOf(reading, survey, valuesPerRow));
    this.#parts = [
      new LineSearch(readings, survey, valuesPerRow),
      new RowSearch(windows, survey, valuesPerRow),
      new SequenceSearch(readings.flatMap(streamsOf), survey, keys)
    ];
  }

  get cost(): number {
    return this.#parts.reduce((sum, part) => sum + part.cost, 0);
  }

  async run(dataset: Dataset, survey: Survey, keys: number): Promise<number[]> {
    const seen = new Int32Array(keys).fill(-1);
    let first = 0;
    for await (const batch of dataset.batches()) {
      scan(batch, first, survey, seen, row => {
        for (const part of this.#parts) part.look(row);
      });
      first += batch.rows;
    }
    return this.#parts.flatMap(part => [...part.found()]);
  }
}

function sizeOf(reading: Reading): number {
  return reading.lines.reduce((sum, line) => sum + line.length, 0);
}

async function searchOne(
  dataset: Dataset,
  readings: readonly Reading[],
  keys: KeyTable,
  valuesPerRow: number
): Promise<{ readonly shown: Set<number>; readonly unsure: Set<number> }> {
  const surveyed = await survey(dataset, keys);
  if (surveyed.rows === 0) return { shown: new Set(), unsure: new Set() };
  const smallFirst = [...readings].sort((a, b) => sizeOf(a) - sizeOf(b));
  const unsure = new Set<number>();
  let search = new Search(smallFirst, surveyed, keys, valuesPerRow);
  while (search.cost > MOST_STEPS) {
    for (const { output } of smallFirst.pop()?.lines.flat() ?? []) unsure.add(output);
    search = new Search(smallFirst, surveyed, keys, valuesPerRow);
  }
  const shown = new Set(await search.run(dataset, surveyed, keys.size));
  for (const output of findRareValues(readings, dataset, surveyed, keys)) shown.add(output);
  return { shown, unsure };
}

/**
 * Recognises outputs that show rows of the data: values that stand together in a row, columns in their order, lists of
 * rare values, identifiers. What it catches and what it can't is written down in this room's README.
 * @param cells the texts of each cell's outputs
 * @param valuesPerRow values that may be shared with one row before they count as that row
 */
export async function recogniseRows(
  cells: readonly (readonly OutputText[])[],
  datasets: readonly Dataset[],
  valuesPerRow: number
): Promise<Recognised> {
  const keys = new KeyTable();
  const readings = cells.map(texts => readCell(texts, keys));
  const shown = new Map<number, Set<string>>();
  const unsure = new Set<number>();
  for (const dataset of datasets) {
    const found = await searchOne(dataset, readings, keys, valuesPerRow);
    for (const output of found.shown) shown.set(output, (shown.get(output) ?? new Set()).add(dataset.name));
    for (const output of found.unsure) unsure.add(output);
  }
  return { shown, unsure };
}
