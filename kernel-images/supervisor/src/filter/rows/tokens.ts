import { DATE, readCompactDate, readDate } from './dates.js';
import { readNumber, type WrittenNumber } from './numbers.js';

/** A number, date or word of a line, with all its possible meanings. */
export interface Token {
  readonly numbers: readonly WrittenNumber[];
  readonly days: readonly string[];
  /** The phrases that start at this token: its word, its word and the next one, and so on, joined by one space. */
  readonly phrases: readonly string[];
  /** Whether the token may be a part of its neighbour: `92` of `16.884,92`, `50` of `50k`. */
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

interface Found {
  readonly at: number;
  readonly end: number;
  readonly numbers: readonly WrittenNumber[];
  readonly days: readonly string[];
  readonly optional: boolean;
}

function isNegative(line: string, at: number): boolean {
  return /[-−]/.test(line[at - 1] ?? '') && !/[\p{L}\p{N}).\]]/u.test(line[at - 2] ?? '');
}

function numbersAt(line: string, at: number, run: string): Found[] {
  const negative = isNegative(line, at);
  const trimmed = run.replace(/[.,'_]+$/, '');
  const spaced = /^\d{1,3}(?: \d{3})+(?![\d.,]*\d)/.exec(line.slice(at, at + 32))?.[0];
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
      days: readCompactDate(part),
      optional: (index > 0 && whole.length > 0) || /\p{L}/u.test(line[offset + part.length] ?? '')
    };
    offset += part.length + 1;
    return part === '' ? [] : [found];
  });
}

function* scan(line: string): Generator<Found> {
  let at = 0;
  while (at < line.length) {
    for (const pattern of [DATE, NUMBER, WORD]) pattern.lastIndex = at;
    const startsWord = at === 0 || !/[\p{L}\p{N}]/u.test(line[at - 1] ?? '');
    const date = startsWord ? DATE.exec(line)?.[0] : undefined;
    const number = startsWord && date === undefined ? NUMBER.exec(line)?.[0] : undefined;
    const word = WORD.exec(line)?.[0];
    if (date !== undefined && readDate(date).length > 0) {
      yield { at, end: at + date.length, numbers: [], days: readDate(date), optional: false };
      at += date.length;
    } else if (number !== undefined) {
      const found = numbersAt(line, at, number);
      yield* found;
      at = found.at(-1)?.end ?? at + number.length;
    } else if (word !== undefined) {
      yield { at, end: at + word.length, numbers: [], days: [], optional: false };
      at += word.length;
    } else at++;
  }
}

/** Splits a line into tokens. */
export function tokensOf(line: string): Token[] {
  const text = line.normalize('NFKC').toLowerCase();
  const found = [...scan(text)];
  const atoms = [...text.matchAll(ATOM)].map(match => ({ at: match.index, word: match[0] }));
  let next = 0;
  return found.map(({ end, numbers, days, optional }) => {
    const phrases: string[] = [];
    for (; next < atoms.length && (atoms[next]?.at ?? 0) < end; next++) {
      let phrase = '';
      for (const { word } of atoms.slice(next, next + LONGEST_PHRASE)) {
        phrase = phrase === '' ? word : `${phrase} ${word}`;
        phrases.push(phrase);
      }
    }
    return { numbers, days, phrases, optional };
  });
}
