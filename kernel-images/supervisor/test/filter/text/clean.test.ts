import { cleanText, isOpaque } from '../../../src/filter/text/clean.js';
import { Random } from '../../support/random.js';

describe('visible text is kept', () => {
  test.each([
    ['mean   2.86\nstd    4.50\n'],
    ['R = 0.5, p < 0.001 ± 3 %'],
    ['Größe, naïve, Ελλάδα, Москва, 東京'],
    ['┌──┐\n│ab│\n└──┘'],
    ['']
  ])('%j', text => {
    expect(cleanText(text)).toBe(text);
  });
});

describe('hidden content is removed', () => {
  test.each([
    ['colours', '\u001b[31mred\u001b[0m', 'red'],
    ['other escape sequences', 'a\u001b]0;title\u0007b\u001b(Bc\u001bPq\u001b\\d\u009b1me', 'abcde'],
    ['text overwritten after a carriage return', 'Ada Lovelace, 36\rdone            \n', 'done\n'],
    ['text deleted by backspaces', 'secret\b\b\b\b\b\bpublic', 'public'],
    ['zero-width characters', 'a\u200bb\u200cc\u200dd\ufeffe\u2060f\u00adg', 'abcdefg'],
    ['bidirectional controls', '\u202egnp\u202c \u2066x\u2069', 'gnp x'],
    ['tag characters', 'ok\u{e0041}\u{e0064}\u{e007f}', 'ok'],
    ['variation selectors', 'a\ufe0fb\u{e0100}c', 'abc'],
    ['private and unassigned characters', 'a\ue000b\u{10fffd}c\u0378d', 'abcd'],
    ['control characters', 'a\u0000b\u0007c\u000bd\u0085e', 'abcd\ne'],
    ['spaces at line ends', 'a  \t \nb \u00a0\nc\u3000', 'a\nb\nc'],
    ['repeated empty lines', 'a\n\n\n\n \n\nb', 'a\n\nb'],
    ['tabs', 'a\tb', 'a       b'],
    ['unusual spaces', 'a\u2003b\u00a0c\u2800d', 'a b c d'],
    ['compatibility forms', 'ﬁve ①②③ ｆｕｌｌ 𝟙', 'five 123 full 1'],
    ['look-alike letters', 'pаtіеnt', 'patient'],
    ['stacked combining marks', 'a\u0301\u0316\u0317\u0318\u0319\u031cb', 'a\u0316\u0317b'],
    ['unpaired surrogates', 'a\ud800b', 'a\ufffdb']
  ])('%s', (_, text, clean) => {
    const marks = /\p{M}/gu;
    expect(cleanText(text).normalize('NFD').replace(marks, '')).toBe(
      clean.normalize('NFD').replace(marks, '')
    );
    expect(
      (
        cleanText(text)
          .normalize('NFD')
          .match(/\p{M}+/gu) ?? []
      ).every(run => run.length <= 3)
    ).toBe(true);
  });

  test('cleaning any text is idempotent and leaves nothing invisible', () => {
    const random = new Random(1);
    for (let round = 0; round < 3000; round++) {
      const clean = cleanText(random.text(60));
      expect(cleanText(clean)).toBe(clean);
      expect(clean).toBe(clean.toWellFormed());
      expect(clean).not.toMatch(/[^\P{Cc}\n]|\p{Cf}|\p{Co}|\p{Cn}|\p{Default_Ignorable_Code_Point}|[ \t]$/mu);
    }
  });
});

describe('unreadable words', () => {
  const bytes = Buffer.from(Array.from({ length: 120 }, (_, index) => (index * 73 + 41) % 256));

  test.each([
    ['base64', bytes.toString('base64')],
    ['base64url in a sentence', `result: ${bytes.toString('base64url')}.`],
    ['hex', bytes.toString('hex')],
    ['a long integer', BigInt(`0x${bytes.toString('hex')}`).toString()]
  ])('%s is opaque', (_, text) => {
    expect(isOpaque(text)).toBe(true);
  });

  test.each([
    ['a horizontal rule', '='.repeat(200)],
    ['a frame', `+${'-'.repeat(90)}+`],
    ['a list of numbers', `[${Array.from({ length: 90 }, (_, i) => (i * 0.37).toFixed(3)).join(',')}]`],
    ['a table', 'age    20190.000000   45.123456   12.500000   18.000000   30.250000   45.000000']
  ])('%s is not opaque', (_, text) => {
    expect(isOpaque(text)).toBe(false);
  });
});
