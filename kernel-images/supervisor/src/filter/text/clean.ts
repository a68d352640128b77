import { showTerminal } from './terminal.js';
import { plainUnicode } from './unicode.js';

/** The plain text that is left of what a notebook printed. Cleaning what is clean changes nothing. */
export function cleanText(text: string): string {
  return plainUnicode(showTerminal(text));
}
