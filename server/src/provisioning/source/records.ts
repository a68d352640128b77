import { isUtf8 } from 'node:buffer';
import type { Dialect } from './dialect.js';
import { SourceFailure } from './failure.js';

/** The largest record. A larger one is usually a quotation mark that is never closed. */
const MAX_RECORD_BYTES = 4 * 1024 * 1024;
const LINE_FEED = 10;
const CARRIAGE_RETURN = 13;

/** A record that does not have the form that the others have. */
export interface OddRecord {
  /** The first line of the record in the file, from 1. */
  readonly line: number;
  /** The number of its fields, or 0 when its quotation marks are not well formed. */
  readonly fields: number;
}

/** One record as bytes without its line end. */
export interface RawRecord {
  readonly bytes: Buffer;
  readonly line: number;
  readonly fields: number;
}

/** Receives the records of a file. */
export interface RecordSink {
  /** Receives each record of the table's width, except the header. */
  record?(record: RawRecord): void;
  /** Receives each record that is left out. */
  odd(record: OddRecord): void;
}

/** Splits UTF-8 text into records, and normalises them: the output has one record per line feed, and no other lines. */
export class RecordReader {
  /** The number of records of the table's width, without the header. */
  records = 0;
  lines = 0;
  blankLines = 0;
  commentLines = 0;
  /** Whether a field contains a carriage return, which DuckDB's strict mode does not accept. */
  carriageReturns = false;
  headerRecord: RawRecord | undefined;
  #skipped = 0;
  #tail: Buffer = Buffer.alloc(0);
  #fields = 0;
  #rewrite = false;
  #malformed = false;
  #innerLines = 0;
  /** The index after the record's content, without its line end. */
  #contentEnd = 0;
  readonly #name: string;
  readonly #dialect: Dialect;
  readonly #width: number | undefined;
  readonly #sink: RecordSink;
  readonly #delimiter: number;
  readonly #quote: number;
  readonly #comment: number;

  /** @param width - the number of fields of a record; without it, records of any width are accepted */
  constructor(name: string, dialect: Dialect, width: number | undefined, sink: RecordSink) {
    this.#name = name;
    this.#dialect = dialect;
    this.#width = width;
    this.#sink = sink;
    this.#delimiter = dialect.delimiter.charCodeAt(0);
    this.#quote = dialect.quote === '' ? -1 : dialect.quote.charCodeAt(0);
    this.#comment = dialect.comment === '' ? -1 : dialect.comment.charCodeAt(0);
  }

  /** Reads a chunk, and returns the normalised bytes of the records that end in it. */
  push(chunk: Buffer): Buffer {
    return this.#read(this.#tail.length === 0 ? chunk : Buffer.concat([this.#tail, chunk]), false);
  }

  /** Ends the text, and returns the normalised bytes of the last record if it has no line end. */
  end(): Buffer {
    return this.#read(this.#tail, true);
  }

  #fail(reason: string, remedy: string, line = this.lines + 1): never {
    throw new SourceFailure(`${this.#name}, line ${line}: ${reason}.`, remedy);
  }

  #read(buffer: Buffer, final: boolean): Buffer {
    const output: Buffer[] = [];
    let verbatimFrom = 0;
    let position = 0;
    const flush = (to: number): void => {
      if (to > verbatimFrom) output.push(buffer.subarray(verbatimFrom, to));
    };
    while (position < buffer.length) {
      const next = this.#recordEnd(buffer, position, final);
      if (next === -1) break;
      const kept = this.#accept(buffer, position, next);
      const plain = kept && !this.#rewrite && next === this.#contentEnd + 1;
      if (!plain) {
        flush(position);
        verbatimFrom = next;
        if (kept) output.push(this.#normalised(buffer.subarray(position, this.#contentEnd)), NEWLINE);
      }
      position = next;
    }
    flush(position);
    const complete = buffer.subarray(0, position);
    if (!isUtf8(complete)) throw new NotUtf8(this.#name);
    if (complete.includes(0))
      this.#fail('it contains a NUL byte before this line', 'Remove NUL bytes from the file.');
    this.#tail = buffer.subarray(position);
    if (this.#tail.length > MAX_RECORD_BYTES)
      this.#fail(
        'the record that begins here is longer than 4 MiB',
        'Check that each quotation mark in it is closed, or name another quotation mark.'
      );
    return output.length === 1 ? (output[0] ?? NOTHING) : Buffer.concat(output);
  }

  /** Finds the end of the record that begins at `start`. Returns -1 when the buffer ends before it. */
  #recordEnd(buffer: Buffer, start: number, final: boolean): number {
    const delimiter = this.#delimiter;
    const quote = this.#quote;
    const { length } = buffer;
    let fields = 1;
    let at = start;
    this.#rewrite = false;
    this.#malformed = false;
    this.#innerLines = 0;
    let fieldStart = true;
    // Lines before the table and comments have no fields, so a quotation mark in them is an ordinary character.
    const isText = this.#skipped < this.#dialect.skip || buffer[start] === this.#comment;
    while (at < length) {
      const byte = buffer[at];
      if (byte === quote && !isText) {
        if (fieldStart) {
          at = this.#closingQuote(buffer, at + 1);
          if (at === -1) {
            if (!final) return -1;
            this.#fail(
              'a quotation mark that opens in this record is never closed',
              'Close it, or name another quotation mark.'
            );
          }
          const after = buffer[at];
          if (at < length && after !== delimiter && after !== LINE_FEED && after !== CARRIAGE_RETURN)
            this.#malformed = true;
          // The next byte decides whether two quotation marks are one, so it must be known.
          if (at >= length && !final) return -1;
          fieldStart = false;
          continue;
        }
        this.#rewrite = true;
        at++;
      } else if (byte === delimiter) {
        fields++;
        fieldStart = true;
        at++;
      } else if (byte === LINE_FEED) {
        this.#fields = fields;
        this.#contentEnd = at > start && buffer[at - 1] === CARRIAGE_RETURN ? at - 1 : at;
        return at + 1;
      } else {
        if (byte === CARRIAGE_RETURN && at + 1 < length && buffer[at + 1] !== LINE_FEED) {
          this.#rewrite = true;
          this.carriageReturns = true;
        }
        fieldStart = false;
        at++;
      }
    }
    if (!final) return -1;
    this.#fields = fields;
    this.#contentEnd = buffer[length - 1] === CARRIAGE_RETURN ? length - 1 : length;
    return length;
  }

  /** Returns the index after the quotation mark that closes a field, or -1 when there is none. */
  #closingQuote(buffer: Buffer, from: number): number {
    let at = from;
    for (;;) {
      const close = buffer.indexOf(this.#quote, at);
      if (close === -1) return -1;
      for (let line = buffer.indexOf(LINE_FEED, at); line !== -1 && line < close;) {
        this.#innerLines++;
        line = buffer.indexOf(LINE_FEED, line + 1);
      }
      const carriage = this.carriageReturns ? -1 : buffer.indexOf(CARRIAGE_RETURN, at);
      if (carriage !== -1 && carriage < close) this.carriageReturns = true;
      if (buffer[close + 1] !== this.#quote) return close + 1;
      at = close + 2;
    }
  }

  /** Counts a record, and returns whether it belongs to the table. */
  #accept(buffer: Buffer, start: number, next: number): boolean {
    const line = this.lines + 1;
    this.lines += 1 + this.#innerLines;
    if (this.#skipped < this.#dialect.skip) {
      this.#skipped++;
      return false;
    }
    if (this.#contentEnd === start) {
      this.blankLines++;
      return false;
    }
    if (buffer[start] === this.#comment) {
      this.commentLines++;
      return false;
    }
    if (next - start > MAX_RECORD_BYTES)
      this.#fail('the record is longer than 4 MiB', 'Shorten the values of this record.', line);
    const fields = this.#malformed ? 0 : this.#fields;
    if (this.#dialect.header && this.headerRecord === undefined) {
      this.headerRecord = { bytes: Buffer.from(buffer.subarray(start, this.#contentEnd)), line, fields };
      return false;
    }
    if (fields === 0 || (this.#width !== undefined && fields !== this.#width)) {
      this.#sink.odd({ line, fields });
      return false;
    }
    this.records++;
    this.#sink.record?.({ bytes: buffer.subarray(start, this.#contentEnd), line, fields });
    return true;
  }

  /** Quotes fields that contain a quotation mark or a carriage return without being quoted. */
  #normalised(record: Buffer): Buffer {
    if (!this.#rewrite) return record;
    const quote = this.#dialect.quote === '' ? '"' : this.#dialect.quote;
    return Buffer.from(
      fieldsOf(record, this.#dialect)
        .map(field => (field.quoted || /["'\r\n]/.test(field.text) ? quoted(field.text, quote) : field.text))
        .join(this.#dialect.delimiter)
    );
  }
}

const NEWLINE = Buffer.from('\n');
const NOTHING = Buffer.alloc(0);

/** Thrown when a text is not UTF-8, so that another encoding can be proposed. */
export class NotUtf8 extends Error {
  override readonly name = 'NotUtf8';

  constructor(readonly file: string) {
    super(`${file} is not UTF-8 text.`);
  }
}

function quoted(text: string, quote: string): string {
  return `${quote}${text.replaceAll(quote, quote + quote)}${quote}`;
}

/** Splits a well-formed record into fields. A quotation mark has a meaning only at the beginning of a field. */
export function fieldsOf(record: Buffer, { delimiter, quote }: Dialect): { text: string; quoted: boolean }[] {
  const text = record.toString('utf8');
  const fields: { text: string; quoted: boolean }[] = [];
  let at = 0;
  for (;;) {
    if (quote !== '' && text[at] === quote) {
      let value = '';
      let from = at + 1;
      for (;;) {
        const close = text.indexOf(quote, from);
        if (close === -1) return [...fields, { text: text.slice(at), quoted: false }];
        value += text.slice(from, close);
        from = close + 1;
        if (text[from] !== quote) break;
        value += quote;
        from++;
      }
      const end = text.indexOf(delimiter, from);
      fields.push({ text: value + text.slice(from, end === -1 ? undefined : end), quoted: true });
      if (end === -1) return fields;
      at = end + 1;
      continue;
    }
    const end = text.indexOf(delimiter, at);
    fields.push({ text: text.slice(at, end === -1 ? undefined : end), quoted: false });
    if (end === -1) return fields;
    at = end + 1;
  }
}
