import { usesFile } from '../../src/submit/draft.js';

describe('usesFile', () => {
  it.each([
    ['import helpers', 'helpers.py', true],
    ['    from helpers import clean', 'helpers.py', true],
    ['import helpers2', 'helpers.py', false],
    ['pd.read_csv("big.csv")', 'big.csv', true],
    ['# big.csv', 'big.csv', false]
  ])('finds whether `%s` uses %s: %s', (source, name, expected) =>
    expect(usesFile([source], name)).toBe(expected)
  );
});
