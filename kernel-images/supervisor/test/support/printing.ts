import type { Rows, Value } from './datasets.js';

function format(value: Value, decimals?: number): string {
  if (value === null) return 'NaN';
  if (typeof value === 'string') return value;
  return decimals === undefined ? String(value) : value.toFixed(decimals);
}

/** Returns right-aligned columns, as pandas prints a data frame. */
function frame(
  names: readonly string[],
  rows: readonly (readonly (Value | string)[])[],
  labels: readonly string[]
): string {
  const cells = [
    ['', ...names],
    ...rows.map((row, index) => [labels[index] ?? '', ...row.map(value => format(value))])
  ];
  const widths = cells[0]?.map((_, column) => Math.max(...cells.map(row => row[column]?.length ?? 0))) ?? [];
  return cells
    .map(row => row.map((cell, column) => cell.padStart(widths[column] ?? 0)).join('  '))
    .join('\n');
}

/** Returns rows `from` up to but not including `to`, as pandas prints them. */
export function rowsAt({ names, rows }: Rows, from: number, to: number): string {
  const labels = Array.from({ length: to - from }, (_, index) => String(from + index));
  return frame(names, rows.slice(from, to), labels);
}

function numbersOf({ rows }: Rows, column: number): number[] {
  return rows.map(row => row[column]).filter(value => typeof value === 'number');
}

function quantile(sorted: readonly number[], share: number): number {
  const position = (sorted.length - 1) * share;
  const [low, high] = [sorted[Math.floor(position)] ?? 0, sorted[Math.ceil(position)] ?? 0];
  return low + (high - low) * (position - Math.floor(position));
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Returns the text of `df.describe()`. */
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

/** Returns the text of `df[column].value_counts()`. */
export function valueCounts({ rows }: Rows, column: number, most = 20): string {
  const counts = new Map<Value, number>();
  for (const row of rows) counts.set(row[column] ?? null, (counts.get(row[column] ?? null) ?? 0) + 1);
  const sorted = [...counts].sort(([, a], [, b]) => b - a).slice(0, most);
  return [
    ...sorted.map(([value, count]) => `${format(value).padEnd(12)} ${count}`),
    'Name: count, dtype: int64'
  ].join('\n');
}

/** Returns the text of `df.groupby(keys)[column].agg(["size", "mean", "std"])`. */
export function groupMeans(table: Rows, keys: readonly number[], column: number): string {
  const groups = new Map<string, number[]>();
  for (const row of table.rows) {
    const value = row[column];
    if (typeof value !== 'number') continue;
    const name = keys.map(key => format(row[key] ?? null)).join('  ');
    groups.set(name, [...(groups.get(name) ?? []), value]);
  }
  const lines = [...groups].sort().map(([, values]) => {
    const average = mean(values);
    const deviation = Math.sqrt(mean(values.map(value => (value - average) ** 2)));
    return [String(values.length), average.toFixed(6), deviation.toFixed(6)];
  });
  return frame(['size', 'mean', 'std'], lines, [...groups.keys()].sort());
}

/** Returns the text of `pd.crosstab(df[a], df[b])`. */
export function crosstab({ rows }: Rows, a: number, b: number): string {
  const heads = [...new Set(rows.map(row => format(row[b] ?? null)))].sort();
  const labels = [...new Set(rows.map(row => format(row[a] ?? null)))].sort();
  const count = (left: string, right: string) =>
    rows.filter(row => format(row[a] ?? null) === left && format(row[b] ?? null) === right).length;
  return frame(
    heads,
    labels.map(label => heads.map(head => count(label, head))),
    labels
  );
}
