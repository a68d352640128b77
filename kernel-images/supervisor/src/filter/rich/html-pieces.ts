/** A start or end tag. */
export interface Tag {
  readonly name: string;
  readonly closing: boolean;
  readonly attributes: ReadonlyMap<string, string>;
}
/** A tag, or the text between two tags. */
export type Piece = Tag | string;

const ENTITIES: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  nbsp: ' ',
  times: '×',
  minus: '−',
  plusmn: '±',
  hellip: '…'
};
const TAG =
  /<(\/?)([a-zA-Z][a-zA-Z0-9]*)((?:\s+[a-zA-Z][a-zA-Z0-9-]*(?:\s*=\s*(?:"[^"<>]*"|'[^'<>]*'|[^\s"'<>=`]+))?)*)\s*\/?>/y;
const ATTRIBUTE = /([a-zA-Z][a-zA-Z0-9-]*)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'<>=`]+)))?/g;

/** Thrown when HTML contains anything that tables printed by common libraries do not. */
export class NotPlainError extends Error {}

const ENTITY = /&(?:#(\d{1,6})|#x([0-9a-fA-F]{1,5})|([a-z]{1,10}));|&/g;

function decodeEntities(text: string): string {
  return text.replace(ENTITY, (entity: string, decimal?: string, hex?: string, name?: string) => {
    if (decimal !== undefined) return String.fromCodePoint(Number(decimal));
    if (hex !== undefined) return String.fromCodePoint(parseInt(hex, 16));
    const known = ENTITIES[name ?? ''];
    if (known === undefined) throw new NotPlainError(`unknown entity ${entity}`);
    return known;
  });
}

function readAttributes(text: string): Map<string, string> {
  const attributes = new Map<string, string>();
  for (const [, name = '', double, single, bare] of text.matchAll(ATTRIBUTE)) {
    attributes.set(name.toLowerCase(), double ?? single ?? bare ?? '');
  }
  return attributes;
}

/**
 * Yields the tags and texts of HTML in order, without style sheets.
 *
 * @throws NotPlainError for comments, declarations, malformed tags and unknown entities
 */
export function* readPieces(html: string): Generator<Piece> {
  let at = 0;
  while (at < html.length) {
    if (html[at] !== '<') {
      const end = html.indexOf('<', at);
      const text = html.slice(at, end < 0 ? html.length : end);
      at += text.length;
      yield decodeEntities(text);
      continue;
    }
    TAG.lastIndex = at;
    const match = TAG.exec(html);
    if (match === null) throw new NotPlainError('not a plain tag');
    at = TAG.lastIndex;
    const [, slash = '', written = '', attributes = ''] = match;
    const name = written.toLowerCase();
    if (name === 'style' && slash === '') {
      const end = html.indexOf('</style>', at);
      if (end < 0) throw new NotPlainError('a style sheet that is not closed');
      at = end + '</style>'.length;
      continue;
    }
    yield { name, closing: slash !== '', attributes: readAttributes(attributes) };
  }
}
