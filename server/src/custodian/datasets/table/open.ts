import path from 'node:path';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { openCsvTable } from './csv.js';
import { openParquetTable } from './parquet.js';
import type { Table } from './table.js';

function requireColumnNames(file: string, { columns }: Table): void {
  const bad = columns.find(
    (name, index) => name === '' || name.length > 128 || columns.indexOf(name) !== index
  );
  if (bad === undefined) return;
  const why =
    bad === ''
      ? 'A column has no name'
      : `The column name "${bad.slice(0, 60)}" is used twice or is too long`;
  throw new CleanRoomError('malformed', `${why} in ${file}.`, {
    remedy: 'Give each column a different name of at most 128 characters.'
  });
}

/**
 * Opens a file as a table, by its extension: `.csv`, `.tsv` or `.parquet`.
 * @throws CleanRoomError `malformed`
 */
export async function openTable(file: string): Promise<Table> {
  const extension = path.extname(file).toLowerCase();
  if (!['.csv', '.tsv', '.parquet'].includes(extension)) {
    throw new CleanRoomError('malformed', `${file} is neither CSV nor Parquet.`, {
      remedy: 'Save the data as .csv, .tsv or .parquet.'
    });
  }
  const table = extension === '.parquet' ? await openParquetTable(file) : await openCsvTable(file);
  requireColumnNames(file, table);
  return table;
}
