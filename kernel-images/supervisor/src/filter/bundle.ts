import type { JsonValue, MimeBundle } from '@clean-room/sandbox';
import type { ReasonClass } from '@clean-room/protocol/runs';
import { linesOfHtml, readPlainHtml, writePlainHtml } from './rich/html-table.js';
import { reencodeImage, type DecodeImage } from './rich/image.js';
import { cleanJson, linesOfJson } from './rich/json.js';
import { cleanText, isOpaque } from './text/clean.js';

/** One plain representation of an output. */
interface Plain {
  readonly mime: string;
  readonly value: JsonValue;
  /** Its texts line by line, for the search for rows. */
  readonly lines: readonly string[];
  readonly reason?: ReasonClass;
}

/** The plain representations of one output. */
export interface PlainBundle {
  readonly data: Readonly<Record<string, JsonValue>>;
  readonly lines: readonly string[];
  /** How the output was changed or, when `data` is empty, why every representation was removed. */
  readonly reasons: readonly ReasonClass[];
}

// Markup that does more than format text: HTML, links, images, and commands that load, define or hide something.
const ACTIVE_MARKDOWN = /[<>]|&[#a-zA-Z]|\]\s*[(:[]|:\/\/|!\[|^\s*\[[^\]]*\]:/m;
const ACTIVE_LATEX =
  /[<>]|:\/\/|\\(?:href|url|include|input|html|class|css|style|def|gdef|let|newcommand|renewcommand|require|unicode|data|bbox|color|phantom|hphantom|vphantom|rlap|llap)/;

/** Returns the plain form of a representation, or `undefined` when it has none. */
type MakePlain = (value: JsonValue, decode: DecodeImage) => Promise<Omit<Plain, 'mime'> | undefined>;

function cleaned(before: string, after: string): { readonly reason?: ReasonClass } {
  return before === after ? {} : { reason: 'cleaned' };
}

/** Returns a conversion for text that refuses the pattern `active`. */
function plainText(active?: RegExp): MakePlain {
  return async value => {
    if (typeof value !== 'string') return undefined;
    const text = cleanText(value);
    if (isOpaque(text) || active?.test(text) === true) return undefined;
    return { value: text, lines: text.split('\n'), ...cleaned(value, text) };
  };
}

const plainHtml: MakePlain = async value => {
  const blocks = typeof value === 'string' ? readPlainHtml(value) : undefined;
  if (blocks === undefined) return undefined;
  const lines = linesOfHtml(blocks);
  return lines.some(isOpaque) ? undefined : { value: writePlainHtml(blocks), lines, reason: 'cleaned' };
};

const plainJson: MakePlain = async value => {
  const clean = cleanJson(value);
  const lines = linesOfJson(clean);
  if (lines.some(isOpaque)) return undefined;
  return { value: clean, lines, ...cleaned(JSON.stringify(value), JSON.stringify(clean)) };
};

const reencoded: MakePlain = async (value, decode) => {
  const image = typeof value === 'string' ? await reencodeImage(value, decode) : undefined;
  return image === undefined ? undefined : { value: image, lines: [], reason: 're-encoded' };
};

/** The MIME types that can be made plain. Images become PNG. */
const MAKERS: ReadonlyMap<string, { readonly becomes: string; readonly make: MakePlain }> = new Map([
  ['text/plain', { becomes: 'text/plain', make: plainText() }],
  ['text/html', { becomes: 'text/html', make: plainHtml }],
  ['text/markdown', { becomes: 'text/markdown', make: plainText(ACTIVE_MARKDOWN) }],
  ['text/latex', { becomes: 'text/latex', make: plainText(ACTIVE_LATEX) }],
  ['application/json', { becomes: 'application/json', make: plainJson }],
  ['image/png', { becomes: 'image/png', make: reencoded }],
  ['image/jpeg', { becomes: 'image/png', make: reencoded }]
]);

/**
 * Builds the plain representations of an output from its raw ones. At most one of each MIME type is kept.
 *
 * @param allowed - MIME types that may leave the TEE
 */
export async function makePlain(
  bundle: MimeBundle,
  allowed: ReadonlySet<string>,
  decode: DecodeImage
): Promise<PlainBundle> {
  const kept: Plain[] = [];
  const refused = new Set<ReasonClass>();
  for (const [mime, value] of Object.entries(bundle)) {
    const maker = MAKERS.get(mime);
    if (!allowed.has(mime) || (maker !== undefined && !allowed.has(maker.becomes))) {
      refused.add('type-not-allowed');
      continue;
    }
    const plain = await maker?.make(value, decode);
    if (plain === undefined || maker === undefined) refused.add('not-plain');
    else if (!kept.some(other => other.mime === maker.becomes)) kept.push({ mime: maker.becomes, ...plain });
  }
  const changes = new Set(kept.flatMap(plain => plain.reason ?? []));
  if (kept.length > 0 && refused.size > 0) changes.add('cleaned');
  return {
    data: Object.fromEntries(kept.map(({ mime, value }) => [mime, value])),
    lines: kept.flatMap(({ lines }) => [...lines, '']),
    reasons: kept.length === 0 ? [...refused] : [...changes]
  };
}
