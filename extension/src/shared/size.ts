const UNITS = ['B', 'kB', 'MB', 'GB', 'TB'];

/** `812 B`, `1.4 kB`, `2.1 GB`: powers of ten, as file managers show them. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  const digits = unit === 0 || value >= 100 ? 0 : 1;
  return `${value.toFixed(digits)} ${UNITS[unit] ?? ''}`;
}

/** `sha256:4f2a…91c7`: enough to recognise it by, never enough to compare by. */
export function shortDigest(digest: string): string {
  const [algorithm = '', hex = ''] = digest.split(':');
  return hex.length > 12 ? `${algorithm}:${hex.slice(0, 4)}…${hex.slice(-4)}` : digest;
}

/** `4 GB` for a machine's memory, which is counted in powers of two. */
export function formatMemory(bytes: number): string {
  return `${Math.round(bytes / 1024 ** 3)} GB`;
}
