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
