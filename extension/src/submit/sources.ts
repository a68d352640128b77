/** Names of datasets that code cells open, in order of appearance: `open_dataset("party/dataset")`. */
export function datasetsIn(sources: readonly string[]): string[] {
  const calls = /\bopen_dataset\(\s*(["'])([a-z0-9][a-z0-9-]*\/[a-z0-9][a-z0-9_-]*)\1/g;
  const found = sources.flatMap(source => [...source.matchAll(calls)].map(match => match[2] ?? ''));
  return [...new Set(found)];
}

/**
 * Whether code cells seem to use a file: import it as a module, or name it in a string. A guess that only decides what is
 * ticked at first; the person sees and changes it.
 */
export function usesFile(sources: readonly string[], name: string): boolean {
  const quoted = [`"${name}"`, `'${name}'`];
  const module = /^([A-Za-z_]\w*)\.py$/.exec(name)?.[1];
  const imported = module === undefined ? undefined : new RegExp(`^\\s*(from|import)\\s+${module}\\b`, 'm');
  return sources.some(
    source => quoted.some(text => source.includes(text)) || imported?.test(source) === true
  );
}
