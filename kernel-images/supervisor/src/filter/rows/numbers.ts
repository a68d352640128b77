/** A number as it was written, rounded to `decimals`: `units` × 10^-`decimals`. */
export interface WrittenNumber {
  readonly units: number;
  readonly decimals: number;
}

/** Further decimals are rounding noise of a double. */
const MAX_DECIMALS = 10;
const MIN_DECIMALS = -6;
const PLAIN = /^(\d+)(?:\.(\d*))?(?:[eE]([+-]?\d{1,3}))?$/;

function fromPlain(text: string, negative: boolean): WrittenNumber | undefined {
  const match = PLAIN.exec(text);
  if (match === null) return undefined;
  const [, whole = '', fraction = '', exponent = '0'] = match;
  const decimals = fraction.length - Number(exponent);
  if (decimals < MIN_DECIMALS) return undefined;
  const digits = Number(whole + fraction);
  const units = decimals > MAX_DECIMALS ? Math.round(digits / 10 ** (decimals - MAX_DECIMALS)) : digits;
  if (!Number.isSafeInteger(units)) return undefined;
  // Adding 0 turns -0 into 0, which would be another key.
  return { units: negative ? -units + 0 : units, decimals: Math.min(decimals, MAX_DECIMALS) };
}

/**
 * Returns all numbers that digits with separators can mean: `1,234.5`, `1.234,5`, `1'234`, `27,9`, `1.6e4`.
 *
 * @param run - text that matches `\d[\d.,'_]*` and an optional exponent
 * @param negative - whether a minus sign precedes the text
 */
export function readNumber(run: string, negative: boolean): WrittenNumber[] {
  const spellings = new Set<string>([run]);
  const bare = run.replace(/['_]/g, '');
  spellings.add(bare);
  if (/^\d{1,3}(?:,\d{3})+(?:\.\d+)?$/.test(bare)) spellings.add(bare.replaceAll(',', ''));
  if (/^\d{1,3}(?:\.\d{3})+(?:,\d+)?$/.test(bare)) spellings.add(bare.replaceAll('.', '').replace(',', '.'));
  if (/^\d+,\d+$/.test(bare)) spellings.add(bare.replace(',', '.'));
  const found = [...spellings].flatMap(text => fromPlain(text, negative) ?? []);
  return found.filter(
    (number, index) =>
      found.findIndex(other => other.units === number.units && other.decimals === number.decimals) === index
  );
}

/**
 * Converts `value` to units of 10^-`decimals`, both rounded and truncated.
 *
 * @returns one number, or two when rounding and truncation differ
 */
export function unitsOf(value: number, decimals: number): readonly number[] {
  const scaled = value * 10 ** decimals;
  const rounded = Math.round(scaled) + 0;
  if (Math.abs(scaled - rounded) < 1e-9 * Math.max(1, Math.abs(scaled))) return [rounded];
  const truncated = Math.trunc(scaled) + 0;
  return truncated === rounded ? [rounded] : [rounded, truncated];
}

/** Returns the number of significant digits: 7 for `16884.92`, 3 for `0.0500`, 2 for `20`. */
export function significantDigits(written: WrittenNumber): number {
  return written.units === 0 ? 1 : Math.floor(Math.log10(Math.abs(written.units))) + 1;
}
