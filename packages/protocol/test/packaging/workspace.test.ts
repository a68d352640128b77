import { describe, expect, it } from '@jest/globals';
import { checkWorkspace } from '../../src/packaging/workspace.js';

const check = (...paths: string[]) => checkWorkspace(paths.map(path => ({ path, bytes: 1 })));

describe('a workspace', () => {
  it('may contain ordinary names in any script', () => {
    expect(() =>
      check(
        'explore.ipynb',
        'données/été.csv',
        '資料/表.csv',
        'a b/c (1).py',
        '.hidden',
        'clean-room/spec.json',
        'usr/lib/clean-room/supervisor.js',
        'heart\u2764\ufe0f.png'
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
    ['\u212a.csv'],
    ['a\u3164.py'],
    ['\u00ad.py'],
    ['\ue000.py'],
    ['\u2028.py'],
    ['a\u007f'],
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
    ['twice.py', 'twice.py'],
    ['name', 'name.'],
    ['notes /x', 'notes/y'],
    ['heart\u2764\ufe0f.png', 'heart\u2764.png'],
    ['①.csv', '1.csv'],
    ['ΑΣ.csv', 'ας.csv']
  ])('refuses %s together with %s', (one, two) => {
    expect(() => check(one, two)).toThrow(/collides/);
    expect(() => check(two, one)).toThrow(/collides/);
  });

  it('is refused with a message in printable ASCII and the path as data', () => {
    const path = 'a\u202e\n\u001b[2Jb';
    expect(() => check(path)).toThrow(
      expect.objectContaining({ message: expect.stringMatching(/^[\x20-\x7e]+$/), details: { path } })
    );
  });

  it('has a limit of files and bytes', () => {
    expect(() => checkWorkspace([{ path: 'big', bytes: 512 * 1024 ** 2 + 1 }])).toThrow(/512 MiB/);
    expect(() => checkWorkspace([1, 2, 3].map(n => ({ path: `f${n}`, bytes: 400 * 1024 ** 2 })))).toThrow(
      /1 GiB/
    );
    expect(() =>
      checkWorkspace(Array.from({ length: 10_001 }, (_, n) => ({ path: `f${n}`, bytes: 0 })))
    ).toThrow(/10001 files/);
  });
});
