/** A number as it was written: `units` × 10^-`decimals`. Rounding to that many decimals is all that is known of it. */
export interface WrittenNumber {
  readonly units: number;
  readonly decimals: number;
}

/** Digits beyond these are rounding noise of a double. */
const MOST_DECIMALS = 10;
const FEWEST_DECIMALS = -6;
const PLAIN = /^(\d+)(?:\.(\d*))?(?:[eE]([+-]?\d{1,3}))?$/;

function fromPlain(text: string, negative: boolean): WrittenNumber | undefined {
  const match = PLAIN.exec(text);
  if (match === null) return undefined;
  const [, whole = '', fraction = '', exponent = '0'] = match;
  const decimals = fraction.length - Number(exponent);
  if (decimals < FEWEST_DECIMALS) return undefined;
  const digits = Number(whole + fraction);
  const units = decimals > MOST_DECIMALS ? Math.round(digits / 10 ** (decimals - MOST_DECIMALS)) : digits;
  if (!Number.isSafeInteger(units)) return undefined;
  // Plus zero: -0 would be another key than 0.
  return { units: negative ? -units + 0 : units, decimals: Math.min(decimals, MOST_DECIMALS) };
}

/**
 * Everything that a run of digits and separators can mean as one number: `1,234.5`, `1.234,5`, `1'234`, `27,9`, `1.6e4`.
 * @param run as `\d[\d.,'_]*` with an optional exponent; a sign is told by `negative`
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
 * What `value` is in units of 10^-`decimals` when it is rounded, and when it is cut off.
 * @returns one number, or two that differ
 */
export function unitsOf(value: number, decimals: number): readonly number[] {
  const scaled = value * 10 ** decimals;
  const rounded = Math.round(scaled) + 0;
  if (Math.abs(scaled - rounded) < 1e-9 * Math.max(1, Math.abs(scaled))) return [rounded];
  const cut = Math.trunc(scaled) + 0;
  return cut === rounded ? [rounded] : [rounded, cut];
}

/** How many digits tell something: `16884.92` has 7, `0.0500` has 3, `20` has 2. */
export function significantDigits(written: WrittenNumber): number {
  return written.units === 0 ? 1 : Math.floor(Math.log10(Math.abs(written.units))) + 1;
}
