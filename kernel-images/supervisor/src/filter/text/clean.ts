import { plainUnicode } from './unicode.js';

// ECMA-48 sequences: CSI up to its final byte; OSC, DCS, SOS, PM and APC up to the string terminator; two-byte escapes.
const ESCAPES =
  /(?:\u001b\[|\u009b)[0-?]*[ -/]*[@-~]|(?:\u001b[\]PX^_]|[\u009d\u0090\u0098\u009e\u009f])[^\u0007\u001b\u009c]*(?:\u0007|\u001b\\|\u009c)?|\u001b[ -/]*[0-~]?/g;

const BACKSPACE = '\u0008';

/** Returns a line as a terminal finally shows it, without overwritten characters. */
function renderLine(line: string): string {
  const afterReturns = line.split('\r').findLast(part => part !== '') ?? '';
  if (!afterReturns.includes(BACKSPACE)) return afterReturns;
  const shown: string[] = [];
  for (const character of afterReturns) {
    if (character === BACKSPACE) shown.pop();
    else shown.push(character);
  }
  return shown.join('');
}

/** Returns the text that a terminal shows: without colours, and with `\r` and backspace applied. */
function renderTerminal(text: string): string {
  return text.replaceAll('\r\n', '\n').replace(ESCAPES, '').split('\n').map(renderLine).join('\n');
}

/**
 * Returns the visible plain text of what a notebook printed, in a unique spelling. Cleaning a clean text again does not
 * change it.
 */
export function cleanText(text: string): string {
  return plainUnicode(renderTerminal(text));
}

/** Words of this length and entropy (in bits per character) are not readable text. */
const OPAQUE_LENGTH = 64;
const OPAQUE_ENTROPY = 3;

/** Returns the entropy of the character distribution of a text, in bits per character. */
function entropy(text: string): number {
  const counts = new Map<string, number>();
  for (const character of text) counts.set(character, (counts.get(character) ?? 0) + 1);
  let bits = 0;
  for (const count of counts.values()) bits -= (count / text.length) * Math.log2(count / text.length);
  return bits;
}

/**
 * Returns whether a text contains a word that people cannot read and that can encode anything: base64, base85, hex, or a
 * long integer.
 */
export function isOpaque(text: string): boolean {
  return text
    .split(/[\s,;|()[\]{}"']+/)
    .some(word => word.length >= OPAQUE_LENGTH && entropy(word) > OPAQUE_ENTROPY);
}
