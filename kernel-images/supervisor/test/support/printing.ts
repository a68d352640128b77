import type { Rows, Value } from './datasets.js';

function shown(value: Value, decimals?: number): string {
  if (value === null) return 'NaN';
  if (typeof value === 'string') return value;
  return decimals === undefined ? String(value) : value.toFixed(decimals);
}

/** Columns side by side, flush right, as pandas prints a frame. */
export function frame(
  names: readonly string[],
  rows: readonly (readonly (Value | string)[])[],
  labels: readonly string[]
): string {
  const cells = [
    ['', ...names],
    ...rows.map((row, index) => [labels[index] ?? '', ...row.map(value => shown(value))])
  ];
  const widths = cells[0]?.map((_, column) => Math.max(...cells.map(row => row[column]?.length ?? 0))) ?? [];
  return cells
    .map(row => row.map((cell, column) => cell.padStart(widths[column] ?? 0)).join('  '))
    .join('\n');
}

export function rowsAt({ names, rows }: Rows, from: number, to: number): string {
  const labels = Array.from({ length: to - from }, (_, index) => String(from + index));
  return frame(names, rows.slice(from, to), labels);
}

function numbersOf({ rows }: Rows, column: number): number[] {
  return rows.map(row => row[column]).filter(value => typeof value === 'number');
}

export function quantile(sorted: readonly number[], share: number): number {
  const place = (sorted.length - 1) * share;
  const [low, high] = [sorted[Math.floor(place)] ?? 0, sorted[Math.ceil(place)] ?? 0];
  return low + (high - low) * (place - Math.floor(place));
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** `df.describe()`. */
export function describeTable(table: Rows): string {
  const numeric = table.names
    .map((_, index) => index)
    .filter(index => typeof table.rows[0]?.[index] === 'number');
  const columns = numeric.map(index => {
    const values = numbersOf(table, index).sort((a, b) => a - b);
    const average = mean(values);
    const deviation = Math.sqrt(mean(values.map(value => (value - average) ** 2)));
    const quarters = [0, 0.25, 0.5, 0.75, 1].map(share => quantile(values, share));
    return [values.length, average, deviation, ...quarters].map(value => value.toFixed(6));
  });
  const labels = ['count', 'mean', 'std', 'min', '25%', '50%', '75%', 'max'];
  return frame(
    numeric.map(index => table.names[index] ?? ''),
    labels.map((_, line) => columns.map(column => column[line] ?? '')),
    labels
  );
}

/** `df[column].value_counts()`. */
export function valueCounts({ rows }: Rows, column: number, most = 20): string {
  const counts = new Map<Value, number>();
  for (const row of rows) counts.set(row[column] ?? null, (counts.get(row[column] ?? null) ?? 0) + 1);
  const sorted = [...counts].sort(([, a], [, b]) => b - a).slice(0, most);
  return [
    ...sorted.map(([value, count]) => `${shown(value).padEnd(12)} ${count}`),
    'Name: count, dtype: int64'
  ].join('\n');
}

/** `df.groupby(keys)[column].agg(["size", "mean", "std"])`. */
export function groupMeans(table: Rows, keys: readonly number[], column: number): string {
  const groups = new Map<string, number[]>();
  for (const row of table.rows) {
    const value = row[column];
    if (typeof value !== 'number') continue;
    const name = keys.map(key => shown(row[key] ?? null)).join('  ');
    groups.set(name, [...(groups.get(name) ?? []), value]);
  }
  const lines = [...groups].sort().map(([, values]) => {
    const average = mean(values);
    const deviation = Math.sqrt(mean(values.map(value => (value - average) ** 2)));
    return [String(values.length), average.toFixed(6), deviation.toFixed(6)];
  });
  return frame(['size', 'mean', 'std'], lines, [...groups.keys()].sort());
}

/** `pd.crosstab(df[a], df[b])`. */
export function crosstab({ rows }: Rows, a: number, b: number): string {
  const heads = [...new Set(rows.map(row => shown(row[b] ?? null)))].sort();
  const labels = [...new Set(rows.map(row => shown(row[a] ?? null)))].sort();
  const count = (left: string, right: string) =>
    rows.filter(row => shown(row[a] ?? null) === left && shown(row[b] ?? null) === right).length;
  return frame(
    heads,
    labels.map(label => heads.map(head => count(label, head))),
    labels
  );
}
