import { datasetsIn, usesFile } from '../../src/submit/sources.js';

describe('datasetsIn', () => {
  it('finds what is opened by a literal name, once each, in order', () => {
    const sources = [
      'a = open_dataset("hospital/visits").to_pandas()',
      'b = clean_room.open_dataset( \'insurer/claims_2020\' )\nopen_dataset("hospital/visits")'
    ];
    expect(datasetsIn(sources)).toEqual(['hospital/visits', 'insurer/claims_2020']);
  });

  it('finds nothing in what only looks like it', () => {
    expect(
      datasetsIn([
        'reopen_dataset("a/b")',
        'open_dataset(name)',
        'open_dataset("a/b\')',
        'open_dataset("../b")'
      ])
    ).toEqual([]);
  });
});

describe('usesFile', () => {
  it.each([
    ['import helpers', 'helpers.py', true],
    ['    from helpers import clean', 'helpers.py', true],
    ['import helpers2', 'helpers.py', false],
    ['pd.read_csv("big.csv")', 'big.csv', true],
    ['# big.csv', 'big.csv', false]
  ])('%s uses %s: %s', (source, name, expected) => expect(usesFile([source], name)).toBe(expected));
});
