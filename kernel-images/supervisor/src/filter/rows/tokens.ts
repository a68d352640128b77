import { DATE, readCompactDate, readDate } from './dates.js';
import { DAY, TIME, dayName, momentName, readTime, timeName, toUtc, type WrittenTime } from './moments.js';
import { readNumber, type WrittenNumber } from './numbers.js';

/** A day, time, point in time or UUID that a token means. */
interface Named {
  readonly name: string;
  /** Days or times as a number; NaN for UUIDs. */
  readonly value: number;
}

/** A number, date, time, UUID or word of a line, with all its possible meanings. */
export interface Token {
  readonly numbers: readonly WrittenNumber[];
  readonly names: readonly Named[];
  /** The precisions, in nanoseconds, of the times in `names`. */
  readonly precisions: readonly number[];
  /** The phrases that start at this token: its word, its word and the next one, and so on, joined by one space. */
  readonly phrases: readonly string[];
  /** Whether the token may be a part of its neighbour: `92` of `16.884,92`, `50` of `50k`, `30` of `08:30`. */
  readonly optional: boolean;
}

/** Maximum number of words of a phrase. Longer values of text columns are recognised by any phrase of this length. */
export const LONGEST_PHRASE = 6;

const NUMBER = /\d[\d.,'_]*(?:e[+-]?\d{1,3}(?![\d\p{L}]))?/uy;
const WORD = /[\p{L}\p{N}\p{M}]+/uy;
const ATOM = /[\p{L}\p{N}\p{M}]+/gu;

/** Returns the words of a text for comparison: normalized (NFKC), in lower case, without punctuation. */
export function wordsOf(text: string): string[] {
  return text.normalize('NFKC').toLowerCase().match(ATOM) ?? [];
}

const UUID = /[0-9a-f]{8}(-?)[0-9a-f]{4}\1[0-9a-f]{4}\1[0-9a-f]{4}\1[0-9a-f]{12}(?![\p{L}\p{N}])/uy;

/** Returns the name of a UUID that is written with or without hyphens, or `undefined` for any other text. */
export function uuidName(text: string): string | undefined {
  if (text.length !== 32 && text.length !== 36) return undefined;
  UUID.lastIndex = 0;
  const lower = text.toLowerCase();
  const isUuid = UUID.exec(lower)?.[0].length === lower.length && /[-a-f]/.test(lower);
  return isUuid ? `uuid ${lower.replaceAll('-', '')}` : undefined;
}

interface Found extends Omit<Token, 'phrases'> {
  readonly at: number;
  readonly end: number;
}

function isNegative(line: string, at: number): boolean {
  return /[-−]/.test(line[at - 1] ?? '') && !/[\p{L}\p{N}).\]]/u.test(line[at - 2] ?? '');
}

function numbersAt(line: string, at: number, run: string): Found[] {
  const negative = isNegative(line, at);
  const trimmed = run.replace(/[.,'_]+$/, '');
  const spaced = /^\d{1,3}(?: \d{3})+(?![\d.,]*\d)/.exec(line.slice(at, at + 64))?.[0];
  const whole = [
    ...readNumber(trimmed, negative),
    ...(spaced === undefined ? [] : readNumber(spaced.replaceAll(' ', ''), negative))
  ];
  // `18,19,20` may be a list, so each part is also a token. The first one has the meanings of the whole too.
  let offset = at;
  return trimmed.split(',').flatMap((part, index) => {
    const found = {
      at: offset,
      end: offset + part.length,
      numbers: index === 0 ? [...whole, ...readNumber(part, negative)] : readNumber(part, false),
      names: readCompactDate(part).map(namedDay),
      precisions: [],
      optional: (index > 0 && whole.length > 0) || /\p{L}/u.test(line[offset + part.length] ?? '')
    };
    offset += part.length + 1;
    return part === '' ? [] : [found];
  });
}

function namedDay(day: number): Named {
  return { name: dayName(day), value: day };
}

/** Returns the time that is written at a position, with the end of its text. */
function timeAt(line: string, at: number): { readonly time: WrittenTime; readonly end: number } | undefined {
  TIME.lastIndex = at;
  const match = TIME.exec(line);
  const time = match === null ? undefined : readTime(match);
  return time && { time, end: TIME.lastIndex };
}

function namedTime({ nanoseconds, precision }: WrittenTime): Named {
  return { name: timeName(nanoseconds, precision), value: nanoseconds / DAY };
}

/** Returns a date, and the time after it, which can also be the value of another column. */
function datesAt(line: string, at: number, text: string): Found[] {
  const days = readDate(text);
  const end = at + text.length;
  const following = /[t ]/.test(line[end] ?? '') ? timeAt(line, end + 1) : undefined;
  if (following === undefined)
    return [{ at, end, numbers: [], names: days.map(namedDay), precisions: [], optional: false }];
  const { time } = following;
  const local = days.map(day => ({ day, nanoseconds: time.nanoseconds }));
  const moments = time.offset ? [...days.map(day => toUtc(day, time)), ...local] : local;
  const named = moments.map(({ day, nanoseconds }) => ({
    name: momentName(day, nanoseconds, time.precision),
    value: day + nanoseconds / DAY
  }));
  const precisions = [time.precision];
  return [
    {
      at,
      end,
      numbers: [],
      names: [...named, ...[...new Set(moments.map(({ day }) => day))].map(namedDay)],
      precisions,
      optional: false
    },
    { at: end + 1, end: following.end, numbers: [], names: [namedTime(time)], precisions, optional: true }
  ];
}

/** Returns a time of day. Its parts are also tokens, because `19:27` may be two values. */
function timesAt(line: string, at: number, time: WrittenTime, end: number): Found[] {
  const found = { names: [namedTime(time)], precisions: [time.precision], optional: false };
  if (line[at] === 't') return [{ ...found, at, end, numbers: [] }];
  let offset = at;
  return line
    .slice(at, end)
    .split(/(?=:)/)
    .flatMap((part, index) => {
      const digits = /\d[\d.]*/.exec(part)?.[0] ?? '';
      const numbers = readNumber(digits, false);
      const token = { at: offset, end: (offset += part.length), numbers };
      return index === 0 ? { ...found, ...token } : { ...token, names: [], precisions: [], optional: true };
    });
}

function* scan(line: string): Generator<Found> {
  let at = 0;
  while (at < line.length) {
    for (const pattern of [DATE, NUMBER, WORD, UUID]) pattern.lastIndex = at;
    const startsWord = at === 0 || !/[\p{L}\p{N}]/u.test(line[at - 1] ?? '');
    const hex = startsWord ? (UUID.exec(line)?.[0] ?? '') : '';
    const uuid = uuidName(hex);
    const date = startsWord && uuid === undefined ? DATE.exec(line)?.[0] : undefined;
    const clock = startsWord && date === undefined && uuid === undefined ? timeAt(line, at) : undefined;
    const number = startsWord && date === undefined ? NUMBER.exec(line)?.[0] : undefined;
    const word = WORD.exec(line)?.[0];
    let found: readonly Found[] = [];
    if (uuid !== undefined) {
      const names = [{ name: uuid, value: NaN }];
      found = [{ at, end: at + hex.length, numbers: [], names, precisions: [], optional: false }];
    } else if (date !== undefined && readDate(date).length > 0) found = datesAt(line, at, date);
    else if (clock !== undefined) found = timesAt(line, at, clock.time, clock.end);
    else if (number !== undefined) found = numbersAt(line, at, number);
    else if (word !== undefined)
      found = [{ at, end: at + word.length, numbers: [], names: [], precisions: [], optional: false }];
    yield* found;
    at = found.at(-1)?.end ?? at + (number?.length ?? 1);
  }
}

/** Splits a line into tokens. */
export function tokensOf(line: string): Token[] {
  const text = line.normalize('NFKC').toLowerCase();
  const found = [...scan(text)];
  const atoms = [...text.matchAll(ATOM)].map(match => ({ at: match.index, word: match[0] }));
  let next = 0;
  return found.map(({ end, numbers, names, precisions, optional }) => {
    const phrases: string[] = [];
    for (; next < atoms.length && (atoms[next]?.at ?? 0) < end; next++) {
      let phrase = '';
      for (const { word } of atoms.slice(next, next + LONGEST_PHRASE)) {
        phrase = phrase === '' ? word : `${phrase} ${word}`;
        phrases.push(phrase);
      }
    }
    return { numbers, names, precisions, phrases, optional };
  });
}
