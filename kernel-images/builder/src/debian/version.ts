/**
 * Returns the order of a character outside of numbers (deb-version(7)): `~` before everything, even the end, then the end and
 * digits, then letters, then other characters.
 */
function rank(character: string | undefined): number {
  if (character === '~') return -1;
  if (character === undefined || /\d/.test(character)) return 0;
  return /[A-Za-z]/.test(character) ? character.charCodeAt(0) : character.charCodeAt(0) + 256;
}

/** Compares two version parts: non-digits by rank, and digits as numbers. */
function comparePart(a: string, b: string): number {
  let i = 0;
  let j = 0;
  while (i < a.length || j < b.length) {
    while ((i < a.length && !/\d/.test(a.charAt(i))) || (j < b.length && !/\d/.test(b.charAt(j)))) {
      const difference = rank(a[i]) - rank(b[j]);
      if (difference !== 0) return difference;
      i++;
      j++;
    }
    const left = /^\d*/.exec(a.slice(i))?.[0] ?? '';
    const right = /^\d*/.exec(b.slice(j))?.[0] ?? '';
    const difference = BigInt(left || 0) - BigInt(right || 0);
    if (difference !== 0n) return difference < 0n ? -1 : 1;
    i += left.length;
    j += right.length;
  }
  return 0;
}

function split(version: string): [epoch: string, upstream: string, revision: string] {
  const colon = version.indexOf(':');
  const rest = version.slice(colon + 1);
  const dash = rest.lastIndexOf('-');
  return [
    colon < 0 ? '0' : version.slice(0, colon),
    dash < 0 ? rest : rest.slice(0, dash),
    dash < 0 ? '0' : rest.slice(dash + 1)
  ];
}

/** Compares two Debian package versions (deb-version(7)). Returns a negative number, zero or a positive number. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [split(a), split(b)];
  return comparePart(left[0], right[0]) || comparePart(left[1], right[1]) || comparePart(left[2], right[2]);
}

/** A relation between versions in a dependency. */
export type Relation = '<<' | '<=' | '=' | '>=' | '>>';

/** Returns whether a version has the relation to `bound`. */
export function satisfies(version: string, relation: Relation, bound: string): boolean {
  const order = compareVersions(version, bound);
  switch (relation) {
    case '<<':
      return order < 0;
    case '<=':
      return order <= 0;
    case '=':
      return order === 0;
    case '>=':
      return order >= 0;
    case '>>':
      return order > 0;
  }
}
