// Letters that look like Latin ones. Only words that mix scripts are changed, so that Greek and Cyrillic stay readable.
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
/** More than two combining marks on one letter are not ordinary text. */
const EXCESS_MARKS = /(\p{M}{2})\p{M}+/gu;
const TAB_WIDTH = 8;

/** Replaces look-alike letters in a word that mixes Latin with Cyrillic or Greek. */
function unifyLookalikes(word: string): string {
  if (!/\p{Script=Latin}/u.test(word) || !/[\p{Script=Cyrillic}\p{Script=Greek}]/u.test(word)) return word;
  return Array.from(word, letter => LOOKALIKES.get(letter) ?? letter).join('');
}

/** Replaces tabs with spaces up to the next tab stop, so that a choice between both cannot encode anything. */
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
    .replace(/[\p{L}\p{M}]+/gu, unifyLookalikes);
}

function removeInvisible(text: string): string {
  return text
    .replace(/[\p{Default_Ignorable_Code_Point}\p{Cf}\p{Co}\p{Cn}\p{Cs}\p{Variation_Selector}]/gu, '')
    .replace(/[^\P{Cc}\n\t]/gu, '')
    .replace(/[\p{Zs}\u2800]/gu, ' ');
}

/**
 * Returns the visible content of a text in a unique spelling. Compatibility forms are unified (NFKC). Control, format,
 * invisible, bidirectional, private and unassigned characters, variation selectors, tags, more than two combining marks
 * on a letter, spaces at line ends and repeated empty lines are removed.
 */
export function plainUnicode(text: string): string {
  const lines = text.toWellFormed().replace(/\r\n?|[\u2028\u2029\u0085]/g, '\n');
  // Normalized before and after, because a removed character may have separated characters that combine.
  const visible = removeInvisible(removeInvisible(lines).normalize('NFKC'));
  return visible
    .replace(EXCESS_MARKS, '$1')
    .normalize('NFKC')
    .split('\n')
    .map(tidyLine)
    .join('\n')
    .replace(/\n{3,}/g, '\n\n');
}
