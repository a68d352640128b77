import { createWriteStream } from 'node:fs';
import type { Readable } from 'node:stream';
import type { Dialect } from '../../source/dialect.js';
import { decoded, openFile, unpackedBytes, type Packing } from '../../source/bytes.js';
import { RecordReader, type RecordSink } from '../../source/records.js';

/** The pipe through which DuckDB reads text that this process has normalised. Plaintext is never written to disk. */
export const INPUT_PIPE = '/pipes/in';
/** The pipe into which DuckDB writes Parquet. */
export const OUTPUT_PIPE = '/pipes/out';

/** A text file as it is in the jail. */
export interface TextFile {
  readonly path: string;
  readonly name: string;
  readonly packing: Packing;
  readonly size: number;
  readonly oldMacLines: boolean;
  /** Opens the bytes. They can be read again, except those of a stream. */
  readonly open?: () => Readable;
}

/** The records of one or more text files of one dialect. */
export interface TextTable {
  readonly files: readonly TextFile[];
  readonly dialect: Dialect;
  readonly width: number;
}

/** Yields the records of all files, normalised: UTF-8, one record per line feed, no header. Passes each file's reader on. */
export async function* normalisedRecords(
  { files, dialect, width }: TextTable,
  sink: (file: number) => RecordSink,
  finished?: (file: number, reader: RecordReader) => void
): AsyncGenerator<Buffer> {
  for (const [index, file] of files.entries()) {
    const reader = new RecordReader(file.name, dialect, width, sink(index));
    const open = file.open ?? (() => openFile(file.path));
    const text = decoded(
      file.name,
      unpackedBytes(file.name, open(), file.packing, file.size),
      dialect.encoding,
      file.oldMacLines
    );
    let ended = true;
    for await (const chunk of text) {
      const records = reader.push(chunk);
      if (records.length === 0) continue;
      ended = records.at(-1) === LINE_FEED;
      yield records;
    }
    const rest = reader.end();
    if (rest.length > 0) {
      yield rest;
      ended = rest.at(-1) === LINE_FEED;
    }
    // The first record of the next file begins on a line of its own.
    if (!ended) yield Buffer.from('\n');
    finished?.(index, reader);
  }
}

const LINE_FEED = 10;

/**
 * Writes the records of a table into the input pipe while `work` reads them. `work` may stop reading early.
 * @returns the result of `work`
 */
export async function whileFeeding<T>(records: AsyncIterable<Buffer>, work: () => Promise<T>): Promise<T> {
  const pipe = createWriteStream(INPUT_PIPE);
  const closed = new AbortController();
  let wake = (): void => undefined;
  const close = (): void => {
    closed.abort();
    wake();
  };
  pipe.on('drain', () => wake());
  // The reader closes the pipe when it has enough.
  pipe.on('close', close).on('error', close);
  const feed = async (): Promise<void> => {
    for await (const chunk of records) {
      if (closed.signal.aborted) return;
      if (!pipe.write(chunk)) await new Promise<void>(resolve => (wake = resolve));
    }
  };
  let failure: unknown;
  const feeding = feed()
    .catch((error: unknown) => {
      failure = error;
    })
    .finally(() => pipe.end());
  try {
    return await work();
  } catch (error) {
    // A text that cannot be read is the cause of whatever DuckDB says about it.
    throw failure ?? error;
  } finally {
    pipe.destroy();
    close();
    await feeding;
  }
}
