import { parse, CsvError } from 'csv-parse';
import { createReadStream } from 'node:fs';
import { pipeline, Transform, type TransformCallback } from 'node:stream';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { BATCH_ROWS, type Batch, type Cell, type Table } from './table.js';

const LONGEST_RECORD = 4 * 1024 * 1024;

function refuse(file: string, reason: string, cause?: unknown): CleanRoomError {
  return new CleanRoomError('malformed', `${file} can't be read as CSV: ${reason}.`, {
    remedy: 'Save it as UTF-8 CSV with one header line and one record a line.',
    cause
  });
}

/** Bytes as text; what is no UTF-8 ends the stream with an error instead of silently becoming another character. */
class StrictText extends Transform {
  readonly #decoder = new TextDecoder('utf-8', { fatal: true });

  constructor() {
    super({ decodeStrings: false, readableObjectMode: false, encoding: 'utf8' });
  }

  override _transform(chunk: Buffer, _encoding: string, done: TransformCallback): void {
    try {
      done(null, this.#decoder.decode(chunk, { stream: true }));
    } catch (cause) {
      done(new CleanRoomError('malformed', 'it is not UTF-8 text', { cause }));
    }
  }

  override _flush(done: TransformCallback): void {
    try {
      done(null, this.#decoder.decode());
    } catch (cause) {
      done(new CleanRoomError('malformed', 'it is not UTF-8 text', { cause }));
    }
  }
}

async function* records(file: string, delimiter: readonly string[]): AsyncGenerator<string[]> {
  const parser = parse({
    bom: true,
    delimiter: [...delimiter],
    skip_empty_lines: true,
    max_record_size: LONGEST_RECORD
  });
  // Its failure reaches the loop below through the parser.
  pipeline(createReadStream(file), new StrictText(), parser, () => undefined);
  try {
    for await (const record of parser) yield record as string[];
  } catch (cause) {
    if (cause instanceof CsvError)
      throw refuse(file, `record ${cause['records'] ?? '?'} is not well formed`, cause);
    throw refuse(file, cause instanceof Error ? cause.message : 'it broke off', cause);
  }
}

async function header(file: string, delimiter: readonly string[]): Promise<string[]> {
  for await (const record of records(file, delimiter)) return record.map(name => name.trim());
  throw refuse(file, 'it is empty');
}

/** A semicolon is the comma of countries that write a comma in numbers. */
async function delimiterOf(file: string): Promise<readonly string[]> {
  if (file.endsWith('.tsv')) return ['\t'];
  const [only, ...more] = await header(file, [',']);
  return more.length === 0 && only?.includes(';') === true ? [';'] : [','];
}

function turned(rows: readonly (readonly string[])[], width: number): Batch {
  const columns = Array.from({ length: width }, (_, column) =>
    rows.map((row): Cell => {
      const text = row[column] ?? '';
      return text === '' ? null : text;
    })
  );
  return { rows: rows.length, columns };
}

/** A CSV file with a header line, UTF-8, RFC 4180 quoting. Every value is text; a schema gives it its type. */
export async function openCsvTable(file: string): Promise<Table> {
  const delimiter = await delimiterOf(file);
  const columns = await header(file, delimiter);
  return {
    columns,
    async *batches() {
      let rows: string[][] = [];
      let first = true;
      for await (const record of records(file, delimiter)) {
        if (first) {
          first = false;
          continue;
        }
        rows.push(record);
        if (rows.length < BATCH_ROWS) continue;
        yield turned(rows, columns.length);
        rows = [];
      }
      if (rows.length > 0) yield turned(rows, columns.length);
    }
  };
}
