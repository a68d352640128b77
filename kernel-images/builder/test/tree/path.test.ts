import { describe, expect, test } from '@jest/globals';
import { matcher } from '../../src/tree/glob.js';
import { imagePath, mergedPath } from '../../src/tree/path.js';

describe('paths of an image', () => {
  test.each([
    ['./usr/bin/env', 'usr/bin/env'],
    ['/usr//bin/', 'usr/bin'],
    ['.', ''],
    ['a/./b', 'a/b']
  ])('%s is %s', (name, path) => {
    expect(imagePath(name)).toBe(path);
  });

  test.each(['../etc/passwd', 'usr/../../etc', 'a/..', 'a\0b', 'a\\..\\b'])('%j is refused', name =>
    expect(() => imagePath(name)).toThrow(/outside of the image/)
  );

  test.each([
    ['./bin/bash', 'usr/bin/bash'],
    ['lib/x86_64-linux-gnu/libc.so.6', 'usr/lib/x86_64-linux-gnu/libc.so.6'],
    ['lib64/ld-linux-x86-64.so.2', 'usr/lib64/ld-linux-x86-64.so.2'],
    ['usr/lib/os-release', 'usr/lib/os-release'],
    ['library/x', 'library/x']
  ])('%s is at %s with a merged /usr', (name, path) => expect(mergedPath(name)).toBe(path));
});

describe('patterns of paths', () => {
  const strip = matcher(['usr/share/doc/**', '!usr/share/doc/*/copyright', '**/tests/', 'var/', 'a?.[so]']);

  test.each([
    ['usr/share/doc/bash/README', true],
    ['usr/share/doc/bash/copyright', false],
    ['usr/share/doc/bash/more/copyright', true],
    ['usr/share/docs', false],
    ['tests/x.py', true],
    ['p/q/tests/r/x.py', true],
    ['p/mytests/x.py', false],
    ['var/lib/x', true],
    ['variable', false],
    ['ab.[so]', true],
    ['ab.s', false]
  ])('%s: %s', (path, stripped) => expect(strip(path)).toBe(stripped));

  test('an empty list matches nothing', () => expect(matcher([])('x')).toBe(false));
});
