/** `*` and `?` within a name, `**` over any number of folders. A pattern that ends in `/` takes all below a folder. */
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

/** A test whether a path fits one of the patterns; a pattern with `!` before it takes paths out again. */
export function matcher(globs: readonly string[]): (path: string) => boolean {
  const whole = (patterns: readonly string[]): RegExp =>
    new RegExp(patterns.length === 0 ? '^[]' : `^(?:${patterns.map(toExpression).join('|')})$`);
  const matched = whole(globs.filter(glob => !glob.startsWith('!')));
  const spared = whole(globs.filter(glob => glob.startsWith('!')).map(glob => glob.slice(1)));
  return path => matched.test(path) && !spared.test(path);
}
