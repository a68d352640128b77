// Letters that look like Latin ones; only words that mix scripts are changed, so that Greek and Cyrillic stay readable.
const LOOKALIKES = new Map(
  Object.entries({
    А: 'A',
    В: 'B',
    Е: 'E',
    К: 'K',
    М: 'M',
    Н: 'H',
    О: 'O',
    Р: 'P',
    С: 'C',
    Т: 'T',
    Х: 'X',
    У: 'Y',
    І: 'I',
    Ј: 'J',
    Ѕ: 'S',
    а: 'a',
    е: 'e',
    о: 'o',
    р: 'p',
    с: 'c',
    х: 'x',
    у: 'y',
    і: 'i',
    ј: 'j',
    ѕ: 's',
    ԁ: 'd',
    һ: 'h',
    ԛ: 'q',
    ԝ: 'w',
    Α: 'A',
    Β: 'B',
    Ε: 'E',
    Ζ: 'Z',
    Η: 'H',
    Ι: 'I',
    Κ: 'K',
    Μ: 'M',
    Ν: 'N',
    Ο: 'O',
    Ρ: 'P',
    Τ: 'T',
    Υ: 'Y',
    Χ: 'X',
    ο: 'o',
    ν: 'v',
    ι: 'i',
    κ: 'k',
    α: 'a',
    ρ: 'p',
    υ: 'u',
    χ: 'x'
  })
);
/** More than two marks on one letter spell nothing. */
const PILED_MARKS = /(\p{M}{2})\p{M}+/gu;
const TAB_WIDTH = 8;

function unmix(word: string): string {
  if (!/\p{Script=Latin}/u.test(word) || !/[\p{Script=Cyrillic}\p{Script=Greek}]/u.test(word)) return word;
  return Array.from(word, letter => LOOKALIKES.get(letter) ?? letter).join('');
}

/** Spaces up to the next tab stop, so that tabs and spaces can't alternate to spell something. */
function expandTabs(line: string): string {
  let shown = '';
  for (const [index, part] of line.split('\t').entries()) {
    if (index > 0) shown = shown.padEnd((Math.floor(shown.length / TAB_WIDTH) + 1) * TAB_WIDTH);
    shown += part;
  }
  return shown;
}

function tidyLine(line: string): string {
  return expandTabs(line)
    .trimEnd()
    .replace(/[\p{L}\p{M}]+/gu, unmix);
}

function withoutInvisible(text: string): string {
  return text
    .replace(/[\p{Default_Ignorable_Code_Point}\p{Cf}\p{Co}\p{Cn}\p{Cs}\p{Variation_Selector}]/gu, '')
    .replace(/[^\P{Cc}\n\t]/gu, '')
    .replace(/[\p{Zs}\u2800]/gu, ' ');
}

/**
 * Leaves only what can be seen, in one spelling: compatibility forms are unified (NFKC), and controls, formats,
 * invisible and bidirectional characters, variation selectors, tags, private and unassigned characters, piled-up marks,
 * blanks at the ends of lines and runs of empty lines are gone.
 */
export function plainUnicode(text: string): string {
  const lines = text.toWellFormed().replace(/\r\n?|[\u2028\u2029\u0085]/g, '\n');
  // Unified before and after: what is taken away may have stood between characters that belong together.
  const seen = withoutInvisible(withoutInvisible(lines).normalize('NFKC'));
  return seen
    .replace(PILED_MARKS, '$1')
    .normalize('NFKC')
    .split('\n')
    .map(tidyLine)
    .join('\n')
    .replace(/\n{3,}/g, '\n\n');
}
