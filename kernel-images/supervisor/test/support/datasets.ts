import { existsSync, readFileSync } from 'node:fs';
import { test } from '@jest/globals';
import type { Dataset } from '../../src/filter/rows/dataset.js';
import { Random } from './random.js';

/** A value of a test table. */
export type Value = number | string | null;

/** A test table: column names, and rows of values in that order. */
export interface Rows {
  readonly names: readonly string[];
  readonly rows: readonly (readonly Value[])[];
}

/** Returns a table as a dataset of two batches. */
export function datasetOf(name: string, { names, rows }: Rows, identifiers: readonly string[] = []): Dataset {
  return {
    name,
    rows: rows.length,
    columns: names.map(column => ({
      name: column,
      identifier: identifiers.includes(column),
      form: { kind: 'plain' }
    })),
    async *batches() {
      // Two batches, so that tests also cover the border between batches.
      for (const part of [rows.slice(0, rows.length >> 1), rows.slice(rows.length >> 1)]) {
        yield { rows: part.length, columns: names.map((_, column) => part.map(row => row[column])) };
      }
    }
  };
}

/** Returns invented hospital visits: few different words, realistic numbers, some missing values. */
export function makeVisits(rows = 2000, seed = 11): Rows {
  const random = new Random(seed);
  return {
    names: ['patient', 'age', 'sex', 'region', 'smoker', 'weight', 'charges', 'visits', 'admitted'],
    rows: Array.from({ length: rows }, (_, index) => [
      `P-${String(100_003 + ((index * 7919) % 899_981)).padStart(6, '0')}`,
      18 + random.below(70),
      random.pick(['female', 'male']),
      random.pick(['north east', 'north west', 'south east', 'south west']),
      random.pick(['yes', 'no', 'no', 'no']),
      random.below(20) === 0 ? null : Math.round(random.normal(78, 14) * 10) / 10,
      Math.round(Math.exp(random.normal(9, 0.9)) * 100) / 100,
      random.below(12),
      `20${15 + random.below(9)}-${String(1 + random.below(12)).padStart(2, '0')}-${String(1 + random.below(28)).padStart(2, '0')}`
    ])
  };
}

/** Returns a table of small numbers in many columns, like a discretised census. */
export function makeCodes(rows = 5000, seed = 12): Rows {
  const random = new Random(seed);
  const sizes = [85, 9, 100, 16, 7, 15, 6, 5, 2, 100, 99];
  return {
    names: sizes.map((_, index) => `code${index}`),
    rows: Array.from({ length: rows }, () => sizes.map(size => Math.floor(random.next() ** 2 * size)))
  };
}

const folder = new URL('../../../../../shared/data/', import.meta.url);
const available = existsSync(folder);
if (!available)
  process.stderr.write('SKIPPED: tests with real tables, because ../shared/data does not exist.\n');

/** Runs a test if the real tables exist, and skips it otherwise. */
export const testWithData: typeof test.skip = available ? test : test.skip;

/** Reads a CSV file without quoted values. */
export function readTable(file: string): Rows {
  const [head = '', ...lines] = readFileSync(new URL(file, folder), 'utf8').trim().split('\n');
  return {
    names: head.split(','),
    rows: lines.map(line =>
      line.split(',').map(text => (text !== '' && !Number.isNaN(Number(text)) ? Number(text) : text))
    )
  };
}
