/** Markup that is safe to send. Only {@link html} and {@link sourceText} create it. */
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

/** Creates markup from a template. Strings that are inserted are escaped, so that they stay text. */
export function html(template: TemplateStringsArray, ...parts: readonly Part[]): Html {
  return new Html(
    template.map((piece, index) => piece + (index < parts.length ? partText(parts[index]) : '')).join('')
  );
}

/** Control characters, bidirectional overrides, zero-width characters and others that can make text look different. */
const INVISIBLE = /(?![\n\t])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cn}\p{Cs}]/gu;

function codePoint(character: string): string {
  return `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`;
}

/** Shows source text unchanged, except that every invisible character is replaced by its code point. */
export function sourceText(text: string): Html {
  const marked = escaped(text.replace(/\r\n/g, '\n')).replace(
    INVISIBLE,
    character => `<span class="invisible">${codePoint(character)}</span>`
  );
  return new Html(marked);
}

/** Formats a timestamp as a date, such as 26 Nov 2026 (UTC). */
export function dateText(timestamp: string): string {
  return new Date(timestamp).toLocaleDateString('en-GB', {
    day: 'numeric',
    month: 'short',
    year: 'numeric',
    timeZone: 'UTC'
  });
}

/** Formats a number of bytes with powers of ten, such as 1.5 MB. */
export function sizeText(bytes: number): string {
  const units = ['bytes', 'kB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let power = 0;
  while (value >= 1000 && power < units.length - 1) {
    value /= 1000;
    power += 1;
  }
  return `${Math.round(value * 10) / 10} ${units[power] ?? ''}`;
}

/** Formats the memory of a machine, which is counted in powers of two, such as 4 GB. */
export function memoryText(bytes: number): string {
  return bytes < 1024 ** 3 ? `${Math.round(bytes / 1024 ** 2)} MB` : `${Math.round(bytes / 1024 ** 3)} GB`;
}
