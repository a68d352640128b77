/**
 * Verifies a receipt repeatedly. Node runs this function; a browser receives its source text.
 *
 * @returns the milliseconds of each verification
 */
export async function timed(verify, { receipt, trust, rounds, warmUp }) {
  const taken = [];
  for (let round = 0; round < warmUp + rounds; round++) {
    const started = performance.now();
    const { outcome, summary } = await verify(receipt, { trust });
    const ms = performance.now() - started;
    if (outcome !== 'verified') throw new Error(`The receipt does not verify: ${summary}`);
    if (round >= warmUp) taken.push(ms);
  }
  return taken;
}
