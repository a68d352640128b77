/** Verifies a receipt again and again, the same in Node and in a browser, into which it is sent as text. @returns milliseconds */
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
