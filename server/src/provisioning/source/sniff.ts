import type { Dialect, Encoding } from './dialect.js';
import { fieldsOf } from './records.js';

/** A dialect that was guessed from the beginning of a file. */
export interface SniffedDialect {
  readonly dialect: Dialect;
  /** The number of fields of most records. */
  readonly width: number;
  /** Decisions that the provider must confirm, because a wrong one would lose values. */
  readonly asked: readonly ('header' | 'skip' | 'comment' | 'delimiter')[];
  /** The lines that would be skipped. */
  readonly skipped: readonly string[];
}

const DELIMITERS = [',', ';', '\t', '|', ' '] as const;
const MAX_RECORDS = 300;
const MAX_TITLE_LINES = 30;
const VALUE_LIKE = /^[+-]?\d+([.,:/-]\d+)*([eE][+-]?\d+)?$/;

/** Splits text into records of one dialect, with the line on which each begins. Ignores a last record that may be cut off. */
function splitRecords(text: string, quote: string, delimiter: string, complete: boolean): string[] {
  const records: string[] = [];
  let start = 0;
  let open = false;
  let fieldStart = true;
  for (let at = 0; at < text.length && records.length < MAX_RECORDS; at++) {
    const character = text[at];
    if (open) {
      if (character !== quote) continue;
      if (text[at + 1] === quote) at++;
      else open = false;
    } else if (character === quote && fieldStart && quote !== '') {
      open = true;
      fieldStart = false;
    } else if (character === '\n') {
      records.push(text.slice(start, at).replace(/\r$/, ''));
      start = at + 1;
      fieldStart = true;
    } else fieldStart = character === delimiter;
  }
  if (complete && start < text.length && records.length < MAX_RECORDS) records.push(text.slice(start));
  return records;
}

function mostFrequent(widths: readonly number[]): number {
  const counts = new Map<number, number>();
  for (const width of widths) counts.set(width, (counts.get(width) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1] || b[0] - a[0])[0]?.[0] ?? 1;
}

interface Candidate {
  readonly dialect: Dialect;
  readonly records: readonly string[];
  readonly widths: readonly number[];
  readonly width: number;
  readonly share: number;
}

function candidate(text: string, dialect: Dialect, complete: boolean): Candidate {
  const records = splitRecords(text, dialect.quote, dialect.delimiter, complete);
  const widths = records.map(record => (record === '' ? 0 : fieldsOf(Buffer.from(record), dialect).length));
  const used = widths.filter((width, index) => width > 0 && records[index]?.startsWith('#') !== true);
  const width = mostFrequent(used);
  // Titles before the table do not count against a delimiter.
  const table = used.slice(Math.max(0, used.indexOf(width)));
  const fitting = table.filter(one => one === width).length;
  return { dialect, records, widths, width, share: table.length === 0 ? 0 : fitting / table.length };
}

function best(text: string, base: Dialect, given: Partial<Dialect>, complete: boolean): Candidate {
  const delimiters = given.delimiter === undefined ? DELIMITERS : [given.delimiter];
  const all = delimiters.map(delimiter => candidate(text, { ...base, delimiter }, complete));
  const [first] = all
    .filter(({ width, dialect, share }) => width > 1 && (dialect.delimiter !== ' ' || share === 1))
    .sort((a, b) => Number(titleLines(a) > 0) - Number(titleLines(b) > 0) || b.share - a.share);
  return first ?? candidate(text, { ...base, delimiter: given.delimiter ?? ',' }, complete);
}

/** Returns the number of lines before the first record of the table. */
function titleLines({ records, widths, width }: Candidate): number {
  const first = widths.findIndex((one, index) => one === width && records[index]?.startsWith('#') !== true);
  // A header may have one name fewer, when each row ends in a delimiter.
  const shorter = first > 0 && widths[first - 1] === width - 1 && width > 2 ? first - 1 : first;
  return shorter > MAX_TITLE_LINES || shorter < 0 ? 0 : shorter;
}

/** Returns whether the first record looks like values and not like names. */
function looksLikeValues(record: string, dialect: Dialect): boolean {
  return fieldsOf(Buffer.from(record), dialect).some(({ text }) => VALUE_LIKE.test(text.trim()));
}

/**
 * Guesses the dialect of a CSV file. A guess that could lose rows is listed in `asked`.
 *
 * @param text - the beginning of the file
 * @param complete - whether this is the whole file
 * @param given - what the provider has already decided
 */
export function sniffDialect(
  text: string,
  encoding: Encoding,
  complete: boolean,
  given: Partial<Dialect>
): SniffedDialect {
  const sep = /^sep=([,;\t| ])\r?\n/i.exec(text);
  const body = sep === null ? text : text.slice(sep[0].length);
  const separator = sep?.[1] as Dialect['delimiter'] | undefined;
  const base: Dialect = {
    encoding,
    delimiter: ',',
    quote: '"',
    header: true,
    skip: 0,
    comment: '',
    ...given
  };
  const found = best(
    body,
    base,
    separator === undefined ? given : { delimiter: separator, ...given },
    complete
  );
  const { records, widths, width } = found;
  const titles =
    given.skip === undefined ? titleLines(found) : Math.max(0, given.skip - (sep === null ? 0 : 1));
  const commentsInside = records.some(
    (record, index) => index >= titles && record.startsWith('#') && widths[index] !== width
  );
  const comment = given.comment ?? (commentsInside ? '#' : '');
  const top = records.slice(0, titles);
  const firstRecord = records
    .slice(titles)
    .find(record => record !== '' && !(comment !== '' && record.startsWith(comment)));
  const headerless =
    given.header === undefined && firstRecord !== undefined && looksLikeValues(firstRecord, found.dialect);
  const asked: SniffedDialect['asked'][number][] = [];
  if (headerless) asked.push('header');
  // Remarks with a number sign and blank lines are not values. Other lines are shown first.
  if (given.skip === undefined && top.some(line => line !== '' && !line.startsWith('#'))) asked.push('skip');
  if (given.comment === undefined && commentsInside) asked.push('comment');
  if (given.delimiter === undefined && found.dialect.delimiter === ' ') asked.push('delimiter');
  return {
    dialect: {
      ...found.dialect,
      header: given.header ?? !headerless,
      skip: titles + (sep === null ? 0 : 1),
      comment
    },
    width,
    asked,
    skipped: [...(sep === null ? [] : [sep[0].trim()]), ...top].slice(0, 10).map(line => line.slice(0, 200))
  };
}
