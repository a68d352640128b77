const LONGEST_WORD = 64;
const LEAST_ENTROPY = 3;

/** Bits for each character, if each were drawn like the others. */
function entropy(text: string): number {
  const counts = new Map<string, number>();
  for (const character of text) counts.set(character, (counts.get(character) ?? 0) + 1);
  let bits = 0;
  for (const count of counts.values()) bits -= (count / text.length) * Math.log2(count / text.length);
  return bits;
}

/** Base64, base85, hex, long integers: words that no person reads, and in which anything may be written. */
export function isOpaque(text: string): boolean {
  return text
    .split(/[\s,;|()[\]{}"']+/)
    .some(word => word.length >= LONGEST_WORD && entropy(word) > LEAST_ENTROPY);
}
