import { DuckDBInstance, type Json } from '@duckdb/node-api';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { conformTable } from '../../../src/provisioning/conform.js';
import { inspectTable, type Inspection, type Overrides } from '../../../src/provisioning/inspect.js';

/** A folder for the tables of a test file. */
export class TableFolder {
  #folder: string | undefined;

  async create(): Promise<void> {
    this.#folder = await mkdtemp(path.join(tmpdir(), 'clean-room-tables-'));
  }

  async remove(): Promise<void> {
    if (this.#folder !== undefined) await rm(this.#folder, { recursive: true, force: true });
  }

  get path(): string {
    if (this.#folder === undefined) throw new Error('The folder was not created.');
    return this.#folder;
  }

  /** Writes a file, and returns its path. */
  async write(name: string, content: string | Uint8Array): Promise<string> {
    const file = path.join(this.path, name);
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, content);
    return file;
  }

  /** Writes the result of a query of DuckDB as Parquet, and returns the path. */
  async parquet(name: string, query: string, options = ''): Promise<string> {
    const file = path.join(this.path, name);
    await sql(`COPY (${query}) TO '${file}' (FORMAT parquet${options})`);
    return file;
  }
}

/** Runs a query in a database of its own, and returns the rows. */
export async function sql(query: string): Promise<Json[][]> {
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  try {
    await connection.run("SET TimeZone = 'UTC'");
    return (await connection.runAndReadAll(query)).getRowsJson();
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

/** A Parquet file as it was written: the type of each column, and the rows with all values as text. */
export interface WrittenTable {
  readonly types: Readonly<Record<string, string>>;
  readonly rows: readonly (readonly (string | null)[])[];
}

/** Reads Parquet bytes with DuckDB. */
export async function readParquet(folder: TableFolder, bytes: Uint8Array): Promise<WrittenTable> {
  const file = await folder.write('written.parquet', bytes);
  const columns = (await sql(`DESCRIBE SELECT * FROM '${file}'`)) as [string, string][];
  const texts = columns.map(([name]) => `"${name.replaceAll('"', '""')}"::VARCHAR`);
  const rows = await sql(`SELECT ${texts.join(', ')} FROM '${file}'`);
  return {
    types: Object.fromEntries(columns),
    rows: rows as (string | null)[][]
  };
}

/** Collects the bytes of an inspected table. */
export async function parquetOf(inspection: Inspection): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const part of (await conformTable(inspection)).bytes) parts.push(part);
  return new Uint8Array(Buffer.concat(parts));
}

/** Inspects files and writes them as Parquet. */
export async function convert(
  folder: TableFolder,
  files: readonly string[],
  overrides: Overrides = {}
): Promise<WrittenTable & { inspection: Inspection }> {
  const inspection = await inspectTable(files, overrides);
  return { ...(await readParquet(folder, await parquetOf(inspection))), inspection };
}

/** Returns a CSV file of columns of the same length. */
export function csv(columns: Readonly<Record<string, readonly string[]>>, delimiter = ','): string {
  const names = Object.keys(columns);
  const rows = Array.from({ length: Object.values(columns)[0]?.length ?? 0 }, (_, row) =>
    names.map(name => columns[name]?.[row] ?? '').join(delimiter)
  );
  return `${[names.join(delimiter), ...rows].join('\n')}\n`;
}

/** Returns a list that repeats values. */
export function repeat(values: readonly string[], times: number): string[] {
  return Array.from({ length: times }, () => values).flat();
}
