/** `12 s`, `6 min 10 s`, `2 h 5 min`. The units are symbols and stay the same in every language. */
export function formatDuration(milliseconds: number): string {
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return seconds % 60 === 0 ? `${minutes} min` : `${minutes} min ${seconds % 60} s`;
  const hours = Math.floor(minutes / 60);
  return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`;
}

/** Milliseconds between two moments; up to `now` when the second has not come. */
export function elapsed(from: string, to: string | undefined, now: number): number {
  return (to === undefined ? now : Date.parse(to)) - Date.parse(from);
}

const STEPS: readonly (readonly [Intl.RelativeTimeFormatUnit, number])[] = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000]
];

/** `5 minutes ago`, `yesterday`, in the reader's language. */
export function formatAgo(moment: string, now: number, language: string): string {
  const difference = Date.parse(moment) - now;
  const format = new Intl.RelativeTimeFormat(language, { numeric: 'auto' });
  for (const [unit, size] of STEPS) {
    if (Math.abs(difference) >= size) return format.format(Math.round(difference / size), unit);
  }
  return format.format(Math.round(difference / 1000), 'second');
}

/** Date and time as the reader writes them, for tooltips. */
export function formatTimestamp(moment: string, language: string): string {
  return new Date(moment).toLocaleString(language, { dateStyle: 'medium', timeStyle: 'short' });
}

/** What Intl takes for the language that JupyterLab shows: `de_DE` becomes `de-DE`, none the browser's own. */
export function languageTag(code: string): string {
  return code === 'default' || code === '' ? navigator.language : code.replace('_', '-');
}
