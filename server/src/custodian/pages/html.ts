/** Markup that is safe to send: made by {@link html} alone. */
export class Html {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

type Part = Html | string | number | readonly Part[] | undefined | false;

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;'
};

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, character => ENTITIES[character] ?? '');
}

function partText(part: Part): string {
  if (part === undefined || part === false) return '';
  if (part instanceof Html) return part.text;
  if (typeof part === 'string' || typeof part === 'number') return escaped(String(part));
  return part.map(partText).join('');
}

/** Markup from a template: everything that is put into it is text, and stays text. */
export function html(template: TemplateStringsArray, ...parts: readonly Part[]): Html {
  return new Html(
    template.map((piece, index) => piece + (index < parts.length ? partText(parts[index]) : '')).join('')
  );
}

/** Control characters, bidirectional overrides, zero-width characters and the like: what could show text as other than it is. */
const INVISIBLE = /(?![\n\t])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cn}\p{Cs}]/gu;

function codePoint(character: string): string {
  return `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`;
}

/** Source text as it is, with every invisible character made visible as its code point. */
export function sourceText(text: string): Html {
  const marked = escaped(text.replace(/\r\n/g, '\n')).replace(
    INVISIBLE,
    character => `<span class="invisible">${codePoint(character)}</span>`
  );
  return new Html(marked);
}

/** A digest short enough to read, in full on hover and for copying. */
export function digestText(digest: string): Html {
  const hex = digest.slice(digest.indexOf(':') + 1);
  return html`<span class="digest" title="${digest}">${hex.slice(0, 4)}…${hex.slice(-4)}</span>`;
}
