/**
 * Returns the regular expression for a pattern: `*` and `?` match within a name, `**` across folders. A pattern that ends in `/`
 * matches everything below a folder.
 */
function toExpression(glob: string): string {
  const pattern = glob.endsWith('/') ? `${glob}**` : glob;
  return pattern.replace(/\*\*\/|\*\*|\*|\?|[^*?]+/g, part => {
    switch (part) {
      case '**/':
        return '(?:[^/]+/)*';
      case '**':
        return '.*';
      case '*':
        return '[^/]*';
      case '?':
        return '[^/]';
      default:
        return part.replace(/[.+^${}()|[\]\\]/g, '\\$&');
    }
  });
}

/** Returns a test whether a path matches one of the patterns. A pattern that begins with `!` excludes paths. */
export function matcher(globs: readonly string[]): (path: string) => boolean {
  const toRegExp = (patterns: readonly string[]): RegExp =>
    new RegExp(patterns.length === 0 ? '^[]' : `^(?:${patterns.map(toExpression).join('|')})$`);
  const matched = toRegExp(globs.filter(glob => !glob.startsWith('!')));
  const excluded = toRegExp(globs.filter(glob => glob.startsWith('!')).map(glob => glob.slice(1)));
  return path => matched.test(path) && !excluded.test(path);
}
