import { describe, expect, test } from '@jest/globals';
import { compareVersions, satisfies, type Relation } from '../../src/debian/version.js';

describe('Debian versions', () => {
  // Examples from deb-version(7) and Debian policy §5.6.12, and cases that follow from their text.
  const ordered = ['~~', '~~a', '~', '', 'a'].map(suffix => `1.0${suffix}-1`);
  test('"~" sorts before everything, even the end', () => {
    const shuffled = [...ordered].reverse();
    expect(shuffled.sort(compareVersions)).toEqual(ordered);
  });

  test.each([
    ['1.2', '1.10'],
    ['1.2-9', '1.2-10'],
    ['9.9', '1:0.1'],
    ['1.0-1', '1.0-1+b1'],
    ['2.36-9', '2.36-9+deb12u4'],
    ['1.0~rc1-1', '1.0-1'],
    ['1.0', '1.0-1'],
    ['1.0a', '1.0+'],
    ['1.2.3-1', '1.2.3+dfsg-1'],
    ['1-2-3', '1-10-1'],
    ['20180101', '99999999999999999999']
  ])('%s is lower than %s', (a, b) => {
    expect(compareVersions(a, b)).toBeLessThan(0);
    expect(compareVersions(b, a)).toBeGreaterThan(0);
  });

  test.each([
    ['1.0', '0:1.0'],
    ['1.0', '1.0-0'],
    ['01.1', '1.01']
  ])('%s equals %s', (a, b) => {
    expect(compareVersions(a, b)).toBe(0);
  });

  test.each<[string, Relation, string, boolean]>([
    ['1.0', '<<', '1.0', false],
    ['1.0', '<=', '1.0', true],
    ['1.0', '=', '1.0', true],
    ['1.0', '>=', '1.1', false],
    ['1.1', '>>', '1.0', true]
  ])('%s %s %s: %s', (version, relation, bound, expected) => {
    expect(satisfies(version, relation, bound)).toBe(expected);
  });
});
