import { checkWorkspace } from '../../src/packaging/index.js';

const check = (...paths: string[]) => checkWorkspace(paths.map(path => ({ path, bytes: 1 })));

describe('a workspace', () => {
  it('may hold ordinary names in any script', () => {
    expect(() =>
      check(
        'explore.ipynb',
        'données/été.csv',
        '資料/表.csv',
        'a b/c (1).py',
        '.hidden',
        'clean-room/spec.json'
      )
    ).not.toThrow();
  });

  it.each([
    ['/etc/passwd'],
    ['../x'],
    ['a/../../x'],
    ['a//b'],
    ['./a'],
    ['a/'],
    [''],
    ['a\\b'],
    ['a\0b'],
    ['a\nb'],
    ['a\u202etxt.py'],
    ['a\u200b.py'],
    ['e\u0301.csv'],
    ['\ud800.csv'],
    ['.wh.spec.json'],
    ['lib/.wh..wh..opq'],
    [`${'x/'.repeat(40)}y`],
    ['n'.repeat(256)],
    [`${'m'.repeat(250)}/`.repeat(5) + 'x']
  ])('refuses the name %j', path => {
    expect(() => check(path)).toThrow(
      expect.objectContaining({ code: 'workspace-refused', remedy: expect.any(String) })
    );
  });

  it.each([
    ['Data.csv', 'data.csv'],
    ['straße.csv', 'STRASSE.csv'],
    ['ﬁle.py', 'file.py'],
    ['a', 'a/b'],
    ['lib/x.py', 'Lib/y.py'],
    ['twice.py', 'twice.py']
  ])('refuses %s beside %s', (one, two) => {
    expect(() => check(one, two)).toThrow(/collides/);
    expect(() => check(two, one)).toThrow(/collides/);
  });

  it('is limited in files and bytes', () => {
    expect(() => checkWorkspace([{ path: 'big', bytes: 512 * 1024 ** 2 + 1 }])).toThrow(/512 MiB/);
    expect(() => checkWorkspace([1, 2, 3].map(n => ({ path: `f${n}`, bytes: 400 * 1024 ** 2 })))).toThrow(
      /1 GiB/
    );
    expect(() =>
      checkWorkspace(Array.from({ length: 10_001 }, (_, n) => ({ path: `f${n}`, bytes: 0 })))
    ).toThrow(/10001 files/);
  });
});
