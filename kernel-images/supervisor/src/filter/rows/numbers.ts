/** A number as it was written, rounded to `decimals`: `units` × 10^-`decimals`. */
export interface WrittenNumber {
  /** A bigint only if the units are not a safe integer. */
  readonly units: Units;
  readonly decimals: number;
}

/** An integer of any size, in the smallest type that holds it, so that equal integers are the same key of a map. */
export type Units = number | bigint;

/** A decimal number without rounding: `digits` × 10^-`scale`. */
export interface ExactNumber {
  readonly digits: bigint;
  readonly scale: number;
}

/** Further decimals are rounding noise of a double. */
export const MAX_DECIMALS = 10;
/** The largest numbers have 38 digits. */
const MAX_EXACT_DECIMALS = 38;
const MIN_DECIMALS = -38;
const PLAIN = /^(-?)(\d+)(?:\.(\d*))?(?:[eE]([+-]?\d{1,3}))?$/;
/** No value of a dataset has so many characters. */
const MAX_LENGTH = 100;
/** Every number of so many digits is a safe integer. */
const SAFE_DIGITS = 15;

const POWERS = Array.from({ length: 80 }, (_, exponent) => 10n ** BigInt(exponent));

function power(exponent: number): bigint {
  return POWERS[exponent] ?? 10n ** BigInt(exponent);
}

function asUnits(value: bigint): Units {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

/** Reads a number such as `-12.50` or `1.5e+21` without rounding. Returns `undefined` for other texts. */
export function exactNumber(text: string): ExactNumber | undefined {
  const match = text.length > MAX_LENGTH ? null : PLAIN.exec(text);
  if (match === null) return undefined;
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = match;
  const digits = BigInt(sign + whole + fraction);
  const scale = fraction.length - Number(exponent);
  return { digits, scale };
}

/**
 * Converts an exact number to units of 10^-`decimals`, both rounded and truncated.
 *
 * @returns one number, or two when rounding and truncation differ
 */
export function exactUnitsOf({ digits, scale }: ExactNumber, decimals: number): readonly Units[] {
  if (decimals >= scale) return [asUnits(digits * power(decimals - scale))];
  const divisor = power(scale - decimals);
  const truncated = digits / divisor;
  const rest = digits % divisor;
  const [size, away] = rest < 0n ? [-rest, -1n] : [rest, 1n];
  return size * 2n < divisor ? [asUnits(truncated)] : [asUnits(truncated + away), asUnits(truncated)];
}

function fromPlain(text: string): WrittenNumber[] {
  const exact = exactNumber(text);
  if (exact === undefined || exact.scale < MIN_DECIMALS || exact.scale > 400) return [];
  // Zero has no digits that a negative number of decimals could round.
  if (exact.digits === 0n && exact.scale < 0) return [{ units: 0, decimals: 0 }];
  const { scale } = exact;
  const decimals = Math.min(scale, MAX_DECIMALS);
  const [units = 0] = exactUnitsOf(exact, decimals);
  const rounded = { units, decimals };
  // Only exact columns have values of more decimals.
  return scale > MAX_DECIMALS && scale <= MAX_EXACT_DECIMALS
    ? [rounded, { units: asUnits(exact.digits), decimals: scale }]
    : [rounded];
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
  const found = [...spellings].flatMap(text => fromPlain(negative ? `-${text}` : text));
  return found.filter(
    (number, index) =>
      found.findIndex(other => other.units === number.units && other.decimals === number.decimals) === index
  );
}

/**
 * Converts `value` to units of 10^-`decimals`, both rounded and truncated.
 *
 * @returns one number, or two when rounding and truncation differ. Units that are not safe integers are not exact.
 */
export function unitsOf(value: number, decimals: number): readonly number[] {
  const scaled = value * 10 ** decimals;
  const rounded = Math.round(scaled) + 0;
  if (Math.abs(scaled - rounded) < 1e-9 * Math.max(1, Math.abs(scaled))) return [rounded];
  const truncated = Math.trunc(scaled) + 0;
  return truncated === rounded ? [rounded] : [rounded, truncated];
}

/** Returns whether a number is written with so many digits that a double could not hold it exactly. */
export function needsExactness(text: string): boolean {
  return text.length > SAFE_DIGITS;
}

/** Returns the number of significant digits: 7 for `16884.92`, 3 for `0.0500`, 2 for `20`. */
export function significantDigits({ units }: WrittenNumber): number {
  if (units === 0) return 1;
  return typeof units === 'bigint'
    ? String(units).replace('-', '').length
    : Math.floor(Math.log10(Math.abs(units))) + 1;
}
