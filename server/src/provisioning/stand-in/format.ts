import type { SeededRandom } from './random.js';

/** One part of a format: the characters that it may be, and how often it occurs. */
interface Part {
  readonly characters: readonly string[];
  readonly least: number;
  readonly most: number;
}

const PART = /(\\d|\[(?:\\.|[^\]\\])+\]|\\.|[^\\[\]{}()|*+?.^$])(?:\{(\d{1,3})(?:,(\d{1,3}))?\})?/y;
const DIGITS = Array.from('0123456789');

function charactersOf(text: string): string[] {
  if (text === '\\d') return DIGITS;
  if (text.startsWith('\\')) return [text.slice(1)];
  if (!text.startsWith('[')) return [text];
  return [...text.slice(1, -1).matchAll(/\\?(.)-\\?(.)|\\d|\\?(.)/g)].flatMap(([all, from, to, one]) => {
    if (all === '\\d') return DIGITS;
    if (from === undefined || to === undefined) return [one ?? ''];
    const start = from.charCodeAt(0);
    return Array.from({ length: to.charCodeAt(0) - start + 1 }, (_, index) =>
      String.fromCharCode(start + index)
    );
  });
}

/** Parses a column's format. Returns undefined when it is not one of literal characters, `\d`, ranges and counts. */
export function parseFormat(format: string): readonly Part[] | undefined {
  const parts: Part[] = [];
  for (let at = 0; at < format.length; at = PART.lastIndex) {
    PART.lastIndex = at;
    const found = PART.exec(format);
    if (found === null) return undefined;
    const [, one = '', least = '1', most = least] = found;
    const characters = charactersOf(one);
    if (characters.length === 0 || Number(most) < Number(least)) return undefined;
    parts.push({ characters, least: Number(least), most: Number(most) });
  }
  return parts;
}

/** Returns a random text of a format. */
export function textOfFormat(parts: readonly Part[], random: SeededRandom): string {
  return parts
    .map(({ characters, least, most }) =>
      Array.from({ length: random.integer(least, most) }, () => random.pick(characters, '')).join('')
    )
    .join('');
}
