const DIGITS = 40;

/** Returns a decimal number as an integer number of units of 10^-40, so that sums are exact. */
function unitsOf(decimal: string): bigint {
  const [whole = '0', fraction = ''] = decimal.split('.');
  return BigInt(whole + fraction.padEnd(DIGITS, '0'));
}

/** Returns whether the sum of decimal numbers, which are not negative, is at most `limit`. The sum is exact. */
export function sumIsWithin(decimals: readonly string[], limit: string): boolean {
  return decimals.reduce((sum, decimal) => sum + unitsOf(decimal), 0n) <= unitsOf(limit);
}

/** Returns the exact sum of decimal numbers, which are not negative. */
export function sumOf(decimals: readonly string[]): string {
  const sum = decimals.reduce((total, decimal) => total + unitsOf(decimal), 0n);
  const text = sum.toString().padStart(DIGITS + 1, '0');
  const fraction = text.slice(-DIGITS).replace(/0+$/, '');
  const whole = text.slice(0, -DIGITS);
  return fraction === '' ? whole : `${whole}.${fraction}`;
}
