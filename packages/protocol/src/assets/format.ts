/** The largest number of repetitions of one part of a format. */
const MAX_COUNT = 200;

const LITERAL = String.raw`[^\\[\](){}*+?.^$|]`;
const ESCAPED = String.raw`\\[\\[\](){}*+?.^$|/-]`;
const IN_CLASS = String.raw`(?:[^\\\]^[-]|\\[\\\]^[-])`;
const PART = new RegExp(
  String.raw`(?:${LITERAL}|\\d|${ESCAPED}|\[(?:${IN_CLASS}(?:-${IN_CLASS})?|\\d)+\])(?:\{(\d{1,3})(?:,(\d{1,3}))?\})?`,
  'uy'
);
const RANGE = new RegExp(`(${IN_CLASS})-(${IN_CLASS})`, 'gu');

function isOrdered(part: string): boolean {
  if (!part.startsWith('[')) return true;
  const character = (text = ''): number => text.replace(/^\\(?=.)/u, '').codePointAt(0) ?? 0;
  const ranges = part.slice(1, part.lastIndexOf(']')).matchAll(RANGE);
  return [...ranges].every(([, first, last]) => character(first) <= character(last));
}

/**
 * Returns whether a text is a format of a column: a sequence of literal characters, `\d`, an escaped character such as `\.`, or
 * a class such as `[A-Z0-9]`, each optionally with a count such as `{6}` or `{2,8}`.
 */
export function isFormat(text: string): boolean {
  PART.lastIndex = 0;
  while (PART.lastIndex < text.length) {
    const match = PART.exec(text);
    if (match === null) return false;
    const [part, least = '1', most = least] = match;
    if (Number(most) < Math.max(1, Number(least)) || Number(most) > MAX_COUNT || !isOrdered(part))
      return false;
  }
  return text !== '';
}
