const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const MONTH = `(${MONTHS.join('|')})[a-z]*`;

/** A date written in any of the usual ways; sticky, to be tried at one position of a lower-case text. */
export const DATE = new RegExp(
  [
    String.raw`\d{4}[-/.]\d{1,2}[-/.]\d{1,2}(?:[t ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?)?`,
    String.raw`\d{1,2}[-/.]\d{1,2}[-/.]\d{4}`,
    String.raw`\d{1,2}[. -]{1,2}${MONTH}[.,]?[ -]\d{4}`,
    String.raw`${MONTH}\.? \d{1,2},? \d{4}`
  ].join('|'),
  'y'
);

function day(year: number, month: number, date: number): string[] {
  const made = new Date(Date.UTC(year, month - 1, date));
  const real =
    made.getUTCMonth() === month - 1 && made.getUTCDate() === date && made.getUTCFullYear() === year;
  return real ? [made.toISOString().slice(0, 10)] : [];
}

/** The days (`2026-03-05`) that a date may mean; `05/03/2026` may mean two. */
export function readDate(text: string): string[] {
  const numbers = (text.match(/\d+/g) ?? []).map(Number);
  const [a = 0, b = 0, c = 0] = numbers;
  const month = MONTHS.findIndex(name => new RegExp(`(?:^|[^a-z])${name}`).test(text)) + 1;
  if (month > 0) return day(b, month, a);
  if (/^\d{4}/.test(text)) return day(a, b, c);
  return [...new Set([...day(c, b, a), ...day(c, a, b)])];
}

/** `20260305` is a day as well as a number. */
export function readCompactDate(run: string): string[] {
  const match = /^((?:19|20)\d{2})(\d{2})(\d{2})$/.exec(run);
  return match === null ? [] : day(Number(match[1]), Number(match[2]), Number(match[3]));
}
