const UNITS = ['B', 'kB', 'MB', 'GB', 'TB'];

/** Formats a number of bytes with powers of ten, as file managers do: `812 B`, `1.4 kB`, `2.1 GB`. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  // The conversion to a number removes a zero after the decimal point.
  return `${Number(value.toFixed(value >= 100 ? 0 : 1))} ${UNITS[unit] ?? ''}`;
}

/** Formats the memory of a machine, which is counted in powers of two: `4 GB`. */
export function formatMemory(bytes: number): string {
  return `${Math.round(bytes / 1024 ** 3)} GB`;
}

/** Formats an amount of US dollars: `$0.24`. */
export function formatDollars(amount: number): string {
  return `$${amount.toFixed(2)}`;
}

/** Formats a duration: `12 s`, `6 min 10 s`, `2 h 5 min`. The unit symbols are the same in every language. */
export function formatDuration(milliseconds: number): string {
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return seconds % 60 === 0 ? `${minutes} min` : `${minutes} min ${seconds % 60} s`;
  const hours = Math.floor(minutes / 60);
  return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`;
}

/** Returns the milliseconds from one time to another, or to `now` if the second one is not known yet. */
export function elapsed(from: string, to: string | undefined, now: number): number {
  return (to === undefined ? now : Date.parse(to)) - Date.parse(from);
}

const AGO_UNITS: readonly (readonly [Intl.RelativeTimeFormatUnit, number])[] = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000]
];

/** Formats a past time relative to `now`: `yesterday`, `5 minutes ago`, and `now` within the last minute. */
export function formatAgo(time: string, now: number, language: string): string {
  const difference = Date.parse(time) - now;
  const format = new Intl.RelativeTimeFormat(language, { numeric: 'auto' });
  for (const [unit, size] of AGO_UNITS) {
    if (Math.abs(difference) >= size) return format.format(Math.round(difference / size), unit);
  }
  return format.format(0, 'second');
}

/** Formats a date with the time of day. */
export function formatTimestamp(time: string, language: string): string {
  return new Date(time).toLocaleString(language, { dateStyle: 'medium', timeStyle: 'short' });
}

/** Formats a date without the time of day. */
export function formatDate(time: string, language: string): string {
  return new Date(time).toLocaleDateString(language, { dateStyle: 'medium' });
}

/**
 * Returns the BCP 47 tag of JupyterLab's language, for `Intl`. JupyterLab writes `de_DE`, and `default` when the person has
 * not chosen a language; then it is the browser's language.
 */
export function languageTag(code: string): string {
  return code === 'default' || code === '' ? navigator.language : code.replace('_', '-');
}

/** Shortens a digest so that a person recognizes it: `sha256:4f2a…91c7`. Never compare shortened digests. */
export function shortDigest(digest: string): string {
  const [algorithm = '', hex = ''] = digest.split(':');
  return hex.length > 12 ? `${algorithm}:${hex.slice(0, 4)}…${hex.slice(-4)}` : digest;
}
