import { describe, expect, it } from '@jest/globals';
import { Check } from 'typebox/value';
import { Title } from '../../src/documents/fields.js';

describe('a title', () => {
  it.each(['Kosten – chronische Krankheiten', 'תוצאות', '研究 🧪', 'e\u0301', '👩\u200d🔬', 'a  b'])(
    'can be %s',
    text => {
      expect(Check(Title, text)).toBe(true);
    }
  );

  it.each([
    ['NUL', '\0'],
    ['a tab', '\t'],
    ['a line feed', '\n'],
    ['a carriage return', '\r'],
    ['an escape', '\u001b[2J'],
    ['a C1 control', '\u009b'],
    ['delete', '\u007f'],
    ['a line separator', '\u2028'],
    ['a paragraph separator', '\u2029'],
    ['an override of direction', '\u202e'],
    ['an isolate', '\u2066']
  ])('cannot contain %s', (_name, character) => {
    expect(Check(Title, `Cost${character} of care`)).toBe(false);
  });

  it('cannot be empty', () => {
    expect(Check(Title, '')).toBe(false);
  });
});
