/** Time after which a zone that had no free machine is preferred again, in milliseconds. */
const STOCKOUT_MS = 5 * 60_000;

/**
 * Returns zones in the order in which they are tried: the configured order, with zones that had no free machine a short time ago
 * at the end, the most recent one last.
 *
 * @param stockouts - times at which zones had no free machine, in milliseconds
 */
export function orderZones(
  zones: readonly string[],
  stockouts: ReadonlyMap<string, number>,
  now: number
): string[] {
  const since = (zone: string): number => {
    const at = stockouts.get(zone);
    return at === undefined || now - at >= STOCKOUT_MS ? 0 : at;
  };
  return [...zones].sort((a, b) => since(a) - since(b));
}
