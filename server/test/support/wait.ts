/** Calls `look` until it returns a value other than undefined. Throws after `seconds` without one. */
export async function eventually<T>(
  look: () => Promise<T | undefined> | T | undefined,
  seconds = 15
): Promise<T> {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    const value = await look();
    if (value !== undefined) return value;
    if (Date.now() > end) throw new Error(`no value within ${seconds} seconds`);
    await new Promise(resolve => setTimeout(resolve, 20));
  }
}
