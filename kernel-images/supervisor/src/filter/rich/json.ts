import type { JsonValue } from '@clean-room/sandbox';
import { cleanText } from '../text/clean.js';

/** Returns the same value with cleaned texts. Object keys keep their order. */
export function cleanJson(value: JsonValue): JsonValue {
  if (typeof value === 'string') return cleanText(value);
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(cleanJson);
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [cleanText(key), cleanJson(item)]));
}

function isScalar(value: JsonValue): value is string | number | boolean | null {
  return typeof value !== 'object' || value === null;
}

/** Returns the scalars of each array or object as one line, so that a table's rows become lines. */
export function linesOfJson(value: JsonValue): string[] {
  if (isScalar(value)) return [String(value)];
  const items: JsonValue[] = Array.isArray(value)
    ? [...(value as readonly JsonValue[])]
    : Object.values(value);
  const keys = Array.isArray(value) ? [] : Object.keys(value);
  return [
    [...keys, ...items.filter(isScalar).map(String)].join('\t'),
    ...items.filter(item => !isScalar(item)).flatMap(linesOfJson)
  ];
}
