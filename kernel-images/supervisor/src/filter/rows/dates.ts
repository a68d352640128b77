const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const MONTH = `(${MONTHS.join('|')})[a-z]*`;
const DAY_MS = 86_400_000;

/** Matches a date in any common notation. Sticky: it is tried at one position of a lower-case text. */
export const DATE = new RegExp(
  [
    String.raw`\d{4}[-/.]\d{1,2}[-/.]\d{1,2}`,
    String.raw`\d{1,2}[-/.]\d{1,2}[-/.]\d{4}`,
    String.raw`\d{1,2}[. -]{1,2}${MONTH}[.,]?[ -]\d{4}`,
    String.raw`${MONTH}\.? \d{1,2},? \d{4}`
  ].join('|'),
  'y'
);

/** Returns the day as a number of days since 1970, or an empty list when it does not exist. */
function dayNumber(year: number, month: number, day: number): number[] {
  const date = new Date(0);
  // Date.UTC would read the year 20 as 1920.
  date.setUTCFullYear(year, month - 1, day);
  const exists = date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
  return exists ? [date.getTime() / DAY_MS] : [];
}

/** Returns the days, as numbers of days since 1970, that a date can mean. `05/03/2026` can mean two. */
export function readDate(text: string): number[] {
  const numbers = (text.match(/\d+/g) ?? []).map(Number);
  const [a = 0, b = 0, c = 0] = numbers;
  const month = MONTHS.findIndex(name => new RegExp(`(?:^|[^a-z])${name}`).test(text)) + 1;
  if (month > 0) return dayNumber(b, month, a);
  if (/^\d{4}/.test(text)) return dayNumber(a, b, c);
  return [...new Set([...dayNumber(c, b, a), ...dayNumber(c, a, b)])];
}

/** Returns the day that a number such as `20260305` can mean, or an empty list. */
export function readCompactDate(run: string): number[] {
  const match = /^((?:19|20)\d{2})(\d{2})(\d{2})$/.exec(run);
  return match === null ? [] : dayNumber(Number(match[1]), Number(match[2]), Number(match[3]));
}
