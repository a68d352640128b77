const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const MONTH = `(${MONTHS.join('|')})[a-z]*`;

/** Matches a date in any common notation. Sticky: it is tried at one position of a lower-case text. */
export const DATE = new RegExp(
  [
    String.raw`\d{4}[-/.]\d{1,2}[-/.]\d{1,2}(?:[t ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?)?`,
    String.raw`\d{1,2}[-/.]\d{1,2}[-/.]\d{4}`,
    String.raw`\d{1,2}[. -]{1,2}${MONTH}[.,]?[ -]\d{4}`,
    String.raw`${MONTH}\.? \d{1,2},? \d{4}`
  ].join('|'),
  'y'
);

/** Returns the day in ISO format, or an empty list when it does not exist. */
function isoDay(year: number, month: number, day: number): string[] {
  const date = new Date(Date.UTC(year, month - 1, day));
  const exists =
    date.getUTCMonth() === month - 1 && date.getUTCDate() === day && date.getUTCFullYear() === year;
  return exists ? [date.toISOString().slice(0, 10)] : [];
}

/** Returns the days (`2026-03-05`) that a date can mean. `05/03/2026` can mean two. */
export function readDate(text: string): string[] {
  const numbers = (text.match(/\d+/g) ?? []).map(Number);
  const [a = 0, b = 0, c = 0] = numbers;
  const month = MONTHS.findIndex(name => new RegExp(`(?:^|[^a-z])${name}`).test(text)) + 1;
  if (month > 0) return isoDay(b, month, a);
  if (/^\d{4}/.test(text)) return isoDay(a, b, c);
  return [...new Set([...isoDay(c, b, a), ...isoDay(c, a, b)])];
}

/** Returns the day that a number such as `20260305` can mean, or an empty list. */
export function readCompactDate(run: string): string[] {
  const match = /^((?:19|20)\d{2})(\d{2})(\d{2})$/.exec(run);
  return match === null ? [] : isoDay(Number(match[1]), Number(match[2]), Number(match[3]));
}
