/** Resolves with the first value that is something; fails when it takes longer than `seconds`. */
export async function eventually<T>(
  look: () => Promise<T | undefined> | T | undefined,
  seconds = 15
): Promise<T> {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    const value = await look();
    if (value !== undefined) return value;
    if (Date.now() > end) throw new Error(`nothing came within ${seconds} seconds`);
    await new Promise(resolve => setTimeout(resolve, 20));
  }
}
