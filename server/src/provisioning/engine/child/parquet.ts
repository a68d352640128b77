import { SourceFailure } from '../../source/failure.js';
import type { Reader } from '../../schema/reader.js';
import type { InspectJob } from '../messages.js';
import { literal } from '../sql/text.js';
import type { Database } from './database.js';

/** A column of a Parquet file: its own type is believed. */
export interface ParquetColumn {
  readonly name: string;
  readonly reader: Reader;
  readonly refused?: string;
  /** Whether digits of a second may be lost when the column is read. */
  readonly lossy: boolean;
  /** The SQL condition that digits of a second are lost, if a value tells. */
  readonly lossCheck?: (cell: string) => string;
}

const INTEGERS = new Set(['TINYINT', 'SMALLINT', 'INTEGER', 'BIGINT', 'UTINYINT', 'USMALLINT', 'UINTEGER']);

function refusal(type: string): string {
  if (/\[|STRUCT|MAP|UNION|VARIANT/.test(type)) return 'it is nested (a list, a map or a record)';
  if (type === 'BLOB' || type.startsWith('BIT')) return 'it contains bytes';
  if (type === 'INTERVAL') return 'it contains time intervals';
  return `its type ${type.slice(0, 40)} is not supported`;
}

/** Returns how a type of DuckDB is read, or undefined when it is refused. */
function readerOf(type: string): Reader | undefined {
  const native = true;
  const decimal = /^DECIMAL\((\d+),(\d+)\)$/.exec(type);
  if (decimal !== null)
    return { type: 'decimal', precision: Number(decimal[1]), scale: Number(decimal[2]), native };
  if (INTEGERS.has(type)) return { type: 'integer', native };
  switch (type) {
    case 'UBIGINT':
    case 'HUGEINT':
    case 'UHUGEINT':
      return { type: 'decimal', precision: 38, scale: 0, native };
    case 'FLOAT':
    case 'DOUBLE':
      return { type: 'number', native };
    case 'BOOLEAN':
      return { type: 'boolean', native };
    case 'VARCHAR':
    case 'JSON':
      return { type: 'text', native };
    case 'DATE':
      return { type: 'date', native };
    case 'TIME':
    case 'TIME_NS':
    case 'TIME WITH TIME ZONE':
      return { type: 'time', native };
    case 'UUID':
      return { type: 'uuid', native };
    case 'TIMESTAMP':
    case 'TIMESTAMP_S':
    case 'TIMESTAMP_MS':
      return { type: 'timestamp', zoned: false, unit: 'microsecond', native };
    case 'TIMESTAMP_NS':
      return { type: 'timestamp', zoned: false, unit: 'nanosecond', native };
    case 'TIMESTAMP WITH TIME ZONE':
      return { type: 'timestamp', zoned: true, unit: 'microsecond', native };
    default:
      return type.startsWith('ENUM') ? { type: 'text', native } : undefined;
  }
}

/** Returns the names of columns that pandas has written as durations, which Parquet knows only as integers. */
async function durationColumns(database: Database, path: string): Promise<Set<string>> {
  const [row] = await database.rows(
    `SELECT decode(value) FROM parquet_kv_metadata(${literal(path)}) WHERE decode(key) = 'pandas' LIMIT 1`
  );
  const names = new Set<string>();
  if (typeof row?.[0] !== 'string') return names;
  try {
    const { columns } = JSON.parse(row[0]) as { columns?: { name?: unknown; numpy_type?: unknown }[] };
    for (const { name, numpy_type: type } of columns ?? [])
      if (typeof name === 'string' && typeof type === 'string' && type.startsWith('timedelta'))
        names.add(name);
  } catch {
    // Metadata of another program. The types of Parquet itself are used then.
  }
  return names;
}

/**
 * Reads the columns of Parquet files.
 * @throws SourceFailure when a file is damaged or the files have different columns
 */
export async function parquetColumns(
  database: Database,
  files: InspectJob['files']
): Promise<ParquetColumn[]> {
  const described: string[] = [];
  let columns: ParquetColumn[] = [];
  for (const [index, { name }] of files.entries()) {
    const path = `/input/${index}`;
    const rows = await database.rows(`DESCRIBE SELECT * FROM read_parquet(${literal(path)})`).catch(() => {
      throw new SourceFailure(
        `${name} cannot be read as Parquet: its footer is damaged.`,
        'Write the file again, or copy it again from its source.'
      );
    });
    described.push(JSON.stringify(rows.map(([column, type]) => [column, type])));
    if (described[index] !== described[0])
      throw new SourceFailure(
        `${name} has other columns or types than ${files[0]?.name ?? ''}.`,
        'Provision files with the same columns as one table.'
      );
    if (index > 0) continue;
    const physical = (await database.rows(
      `SELECT name, type, coalesce(logical_type, '') FROM parquet_schema(${literal(path)})`
    )) as [string, string, string][];
    const durations = await durationColumns(database, path);
    columns = (rows as [string, string][]).map(([own, type]) => {
      const fields = physical.find(([field]) => field === own) ?? [];
      const reader = durations.has(own) ? undefined : readerOf(type);
      const refused = durations.has(own) ? 'it contains durations' : refusal(type);
      const nanoseconds = (fields[2] ?? '').includes('NANOS=Nano') && type === 'TIMESTAMP WITH TIME ZONE';
      return {
        name: own,
        reader: reader ?? { type: 'text' },
        lossy: fields[1] === 'INT96' || nanoseconds,
        ...(reader === undefined ? { refused } : {}),
        ...(type === 'TIME_NS' ? { lossCheck: (cell: string) => `${cell}::TIME::TIME_NS <> ${cell}` } : {})
      };
    });
  }
  if (columns.length > 10_000)
    throw new SourceFailure(
      `${files[0]?.name ?? ''} has ${columns.length} columns. A table can have at most 10,000.`,
      'Split it into several tables.'
    );
  for (const [position, { name }] of columns.entries()) {
    if (name === '' || name.length > 128)
      throw new SourceFailure(
        `${files[0]?.name ?? ''}: the name of column ${position + 1} is empty or longer than 128 characters.`,
        'Give each column a name of at most 128 characters.'
      );
  }
  return columns;
}
