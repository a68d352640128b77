import type { JsonValue, MimeBundle } from '@clean-room/sandbox';
import type { ReasonClass } from '@clean-room/protocol/runs';
import { redrawImage, type DecodeImage } from './images.js';
import { isPlainLatex, isPlainMarkdown } from './markup.js';
import { linesOfHtml, readPlainHtml, writePlainHtml } from './rich/html-table.js';
import { cleanJson, linesOfJson } from './rich/json.js';
import { cleanText } from './text/clean.js';
import { isOpaque } from './text/opaque.js';

/** One representation made plain, and its texts for whoever reads them. */
interface Plain {
  readonly mime: string;
  readonly value: JsonValue;
  readonly lines: readonly string[];
  readonly reason?: ReasonClass;
}

/** A bundle of representations of one output, made plain. */
export interface PlainBundle {
  readonly data: Readonly<Record<string, JsonValue>>;
  readonly lines: readonly string[];
  /** What was done to it; with empty `data` why nothing is left. */
  readonly reasons: readonly ReasonClass[];
}

type MakePlain = (value: JsonValue, decode: DecodeImage) => Promise<Omit<Plain, 'mime'> | undefined>;

function cleaned(before: string, after: string): { readonly reason?: ReasonClass } {
  return before === after ? {} : { reason: 'cleaned' };
}

function plainText(isPlain: (text: string) => boolean): MakePlain {
  return async value => {
    if (typeof value !== 'string') return undefined;
    const text = cleanText(value);
    if (isOpaque(text) || !isPlain(text)) return undefined;
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

const redrawn: MakePlain = async (value, decode) => {
  const image = typeof value === 'string' ? await redrawImage(value, decode) : undefined;
  return image === undefined ? undefined : { value: image, lines: [], reason: 're-encoded' };
};

/** What can be made plain, and how; everything else can not. Images all become PNG. */
const MAKERS: ReadonlyMap<string, { readonly becomes: string; readonly make: MakePlain }> = new Map([
  ['text/plain', { becomes: 'text/plain', make: plainText(() => true) }],
  ['text/html', { becomes: 'text/html', make: plainHtml }],
  ['text/markdown', { becomes: 'text/markdown', make: plainText(isPlainMarkdown) }],
  ['text/latex', { becomes: 'text/latex', make: plainText(isPlainLatex) }],
  ['application/json', { becomes: 'application/json', make: plainJson }],
  ['image/png', { becomes: 'image/png', make: redrawn }],
  ['image/jpeg', { becomes: 'image/png', make: redrawn }]
]);

/** @param allowed MIME types that may leave */
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
  const done = new Set(kept.flatMap(plain => plain.reason ?? []));
  if (kept.length > 0 && refused.size > 0) done.add('cleaned');
  return {
    data: Object.fromEntries(kept.map(({ mime, value }) => [mime, value])),
    lines: kept.flatMap(({ lines }) => [...lines, '']),
    reasons: kept.length === 0 ? [...refused] : [...done]
  };
}
