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

/** A search with more steps would take minutes. */
const MAX_STEPS = 1_500_000_000;

/** The result of a search for rows. */
export interface Recognised {
  /** By output: the names of the datasets whose rows it shows. */
  readonly shown: ReadonlyMap<number, ReadonlySet<string>>;
  /** Outputs that would take too long to search. */
  readonly undecided: ReadonlySet<number>;
}

/** All kinds of search for some cells in one dataset. They share one pass over the rows. */
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
        for (const part of this.#parts) part.visit(row);
      });
      first += batch.rows;
    }
    return this.#parts.flatMap(part => [...part.found()]);
  }
}

function tokenCount(reading: Reading): number {
  return reading.lines.reduce((sum, line) => sum + line.length, 0);
}

/** Searches one dataset. The longest cells are left out until the search is fast enough. */
async function searchDataset(
  dataset: Dataset,
  readings: readonly Reading[],
  keys: KeyTable,
  valuesPerRow: number
): Promise<{ readonly shown: Set<number>; readonly undecided: Set<number> }> {
  const surveyed = await survey(dataset, keys);
  if (surveyed.rows === 0) return { shown: new Set(), undecided: new Set() };
  const shortestFirst = [...readings].sort((a, b) => tokenCount(a) - tokenCount(b));
  const undecided = new Set<number>();
  let search = new Search(shortestFirst, surveyed, keys, valuesPerRow);
  while (search.cost > MAX_STEPS) {
    for (const { output } of shortestFirst.pop()?.lines.flat() ?? []) undecided.add(output);
    search = new Search(shortestFirst, surveyed, keys, valuesPerRow);
  }
  const shown = new Set(await search.run(dataset, surveyed, keys.size));
  for (const output of findRareValues(readings, dataset, surveyed, keys)) shown.add(output);
  return { shown, undecided };
}

/**
 * Recognises outputs that show rows of the data: values of one row close together, columns in their order, lists of rare
 * values, and identifiers. The README of the supervisor describes what is recognised and what is not.
 *
 * @param cells - the texts of each cell's outputs
 * @param valuesPerRow - number of values that an output may share with one row
 */
export async function recogniseRows(
  cells: readonly (readonly OutputText[])[],
  datasets: readonly Dataset[],
  valuesPerRow: number
): Promise<Recognised> {
  const keys = new KeyTable();
  const readings = cells.map(texts => readCell(texts, keys));
  const shown = new Map<number, Set<string>>();
  const undecided = new Set<number>();
  for (const dataset of datasets) {
    const found = await searchDataset(dataset, readings, keys, valuesPerRow);
    for (const output of found.shown) shown.set(output, (shown.get(output) ?? new Set()).add(dataset.name));
    for (const output of found.undecided) undecided.add(output);
  }
  return { shown, undecided };
}
