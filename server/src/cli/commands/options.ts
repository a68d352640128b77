import { InvalidArgumentError } from 'commander';

/** A moment as ISO 8601 (`2026-11-20T12:04:00Z`, `2026-11-20`) or in seconds since 1970. */
export function timestampOption(text: string): Date {
  const date = /^\d{9,12}$/.test(text) ? new Date(Number(text) * 1000) : new Date(text);
  if (Number.isNaN(date.getTime())) {
    throw new InvalidArgumentError('Give a moment as 2026-11-20T12:04:00Z or in seconds since 1970.');
  }
  return date;
}

/** One more value of an option that may stand several times. */
export function collect(value: string, before: readonly string[] = []): string[] {
  return [...before, value];
}

/** One more `NAME=VALUE`. */
export function collectPairs(
  text: string,
  before: Readonly<Record<string, string>> = {}
): Record<string, string> {
  const end = text.indexOf('=');
  if (end < 1) throw new InvalidArgumentError('Give it as NAME=VALUE.');
  return { ...before, [text.slice(0, end)]: text.slice(end + 1) };
}
