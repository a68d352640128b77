import { parse, CsvError } from 'csv-parse';
import { createReadStream } from 'node:fs';
import { pipeline, Transform, type TransformCallback } from 'node:stream';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { BATCH_ROWS, type Batch, type Cell, type Table } from './table.js';

const MAX_RECORD_BYTES = 4 * 1024 * 1024;

function invalidCsv(file: string, reason: string, cause?: unknown): CleanRoomError {
  return new CleanRoomError('malformed', `${file} cannot be read as CSV: ${reason}.`, {
    remedy: 'Save it as UTF-8 CSV with one header line and one record per line.',
    cause
  });
}

/** Decodes UTF-8. Invalid bytes end the stream with an error instead of becoming replacement characters. */
class StrictUtf8Decoder extends Transform {
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
    max_record_size: MAX_RECORD_BYTES
  });
  // Errors of the pipeline reach the loop below through the parser.
  pipeline(createReadStream(file), new StrictUtf8Decoder(), parser, () => undefined);
  try {
    for await (const record of parser) yield record as string[];
  } catch (cause) {
    if (cause instanceof CsvError)
      throw invalidCsv(file, `record ${Number(cause['records'])} is not well formed`, cause);
    throw invalidCsv(file, cause instanceof Error ? cause.message : 'reading it failed', cause);
  }
}

async function header(file: string, delimiter: readonly string[]): Promise<string[]> {
  for await (const record of records(file, delimiter)) return record.map(name => name.trim());
  throw invalidCsv(file, 'it is empty');
}

/** Detects the delimiter. Programs write a semicolon in countries where numbers contain a comma. */
async function delimiterOf(file: string): Promise<readonly string[]> {
  if (file.endsWith('.tsv')) return ['\t'];
  const [only, ...more] = await header(file, [',']);
  return more.length === 0 && only?.includes(';') === true ? [';'] : [','];
}

function toBatch(rows: readonly (readonly string[])[], width: number): Batch {
  const columns = Array.from({ length: width }, (_, column) =>
    rows.map((row): Cell => {
      const text = row[column] ?? '';
      return text === '' ? null : text;
    })
  );
  return { rows: rows.length, columns };
}

/**
 * Opens a CSV file in UTF-8 with a header line and RFC 4180 quoting. Every value is text until a schema gives it a type.
 * @throws CleanRoomError `malformed`
 */
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
        yield toBatch(rows, columns.length);
        rows = [];
      }
      if (rows.length > 0) yield toBatch(rows, columns.length);
    }
  };
}
