import { InvalidArgumentError } from 'commander';
import { isDigest, type Digest } from '@clean-room/protocol/bytes';

/** Parses a time in ISO 8601 (`2026-11-20T12:04:00Z`, `2026-11-20`) or in seconds since 1970. */
export function timestampOption(text: string): Date {
  const date = /^\d{9,12}$/.test(text) ? new Date(Number(text) * 1000) : new Date(text);
  if (Number.isNaN(date.getTime())) {
    throw new InvalidArgumentError('Write the time as 2026-11-20T12:04:00Z or in seconds since 1970.');
  }
  return date;
}

/** Parses a digest: `sha256:` and 64 hexadecimal digits. */
export function digestOption(text: string): Digest {
  if (!isDigest(text)) throw new InvalidArgumentError('Write it as sha256: and 64 hexadecimal digits.');
  return text;
}

/** Parses an integer of at least 1. */
export function positiveInteger(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1)
    throw new InvalidArgumentError('Write a whole number of at least 1.');
  return value;
}

/** Collects the values of an option that can be repeated. */
export function collect(value: string, before: readonly string[] = []): string[] {
  return [...before, value];
}

/** Collects the pairs of an option `NAME=VALUE` that can be repeated. */
export function collectPairs(
  text: string,
  before: Readonly<Record<string, string>> = {}
): Record<string, string> {
  const end = text.indexOf('=');
  if (end < 1) throw new InvalidArgumentError('Write it as NAME=VALUE.');
  return { ...before, [text.slice(0, end)]: text.slice(end + 1) };
}
