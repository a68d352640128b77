import { describe, expect, test } from '@jest/globals';
import { parseDependencies } from '../../src/debian/control.js';
import { readPackageIndex, resolve } from '../../src/debian/resolver.js';

function paragraph(name: string, fields: Readonly<Record<string, string>> = {}): string {
  const all = {
    Package: name,
    Version: '1',
    Filename: `pool/main/x/${name}_1_amd64.deb`,
    Size: '10',
    SHA256: 'a'.repeat(64),
    ...fields
  };
  return Object.entries(all)
    .map(([key, value]) => `${key}: ${value}\n`)
    .join('');
}

function names(index: string, wanted: readonly string[], without: readonly string[] = []): string[] {
  return resolve(readPackageIndex(index), wanted, new Set(without)).map(({ name }) => name);
}

describe('dependencies', () => {
  test('are read with alternatives, versions and architecture marks', () => {
    expect(parseDependencies('libc6 (>= 2.34), python3:any | pypy3 (<< 8), a')).toEqual([
      [{ name: 'libc6', relation: '>=', version: '2.34' }],
      [{ name: 'python3' }, { name: 'pypy3', relation: '<<', version: '8' }],
      [{ name: 'a' }]
    ]);
    expect(() => parseDependencies('a (~ 2)')).toThrow(/no dependency/);
  });

  test('are followed to their end, circles included', () => {
    const index = [
      paragraph('a', { Depends: 'b' }),
      paragraph('b', { 'Pre-Depends': 'c' }),
      paragraph('c', { Depends: 'a' }),
      paragraph('d')
    ].join('\n');
    expect(names(index, ['a'])).toEqual(['a', 'b', 'c']);
  });

  test('take the first alternative that there is, unless another is chosen already', () => {
    const index = [paragraph('a', { Depends: 'x | b | c' }), paragraph('b'), paragraph('c')].join('\n');
    expect(names(index, ['a'])).toEqual(['a', 'b']);
    expect(names(index, ['a', 'c'])).toEqual(['a', 'c']);
  });

  test('hold versions', () => {
    const index = [paragraph('a', { Depends: 'b (>= 2) | c' }), paragraph('b'), paragraph('c')].join('\n');
    expect(names(index, ['a'])).toEqual(['a', 'c']);
    const none = [paragraph('a', { Depends: 'b (>= 2)' }), paragraph('b')].join('\n');
    expect(() => names(none, ['a'])).toThrow('a needs b (>= 2), which the release lacks.');
  });

  test('a newer version in the same index wins', () => {
    const index = [paragraph('a', { Version: '1.9' }), paragraph('a', { Version: '1.10' })].join('\n');
    expect(resolve(readPackageIndex(index), ['a'], new Set())[0]?.version).toBe('1.10');
  });

  test('are met by what provides a name, with its version if one is asked for', () => {
    const index = [
      paragraph('a', { Depends: 'virtual' }),
      paragraph('e', { Depends: 'virtual (>= 1)' }),
      paragraph('b', { Provides: 'virtual' })
    ].join('\n');
    expect(names(index, ['a'])).toEqual(['a', 'b']);
    expect(() => names(index, ['e'])).toThrow(/the release lacks/);
    const versioned = [
      paragraph('e', { Depends: 'virtual (>= 1)' }),
      paragraph('b', { Provides: 'virtual (= 2)' })
    ];
    expect(names(versioned.join('\n'), ['e'])).toEqual(['b', 'e']);
  });

  test('a person decides between several providers', () => {
    const index = [
      paragraph('a', { Depends: 'virtual' }),
      paragraph('b', { Provides: 'virtual' }),
      paragraph('c', { Provides: 'virtual' })
    ].join('\n');
    expect(() => names(index, ['a'])).toThrow(/several packages provide/);
    expect(names(index, ['a', 'c'])).toEqual(['a', 'c']);
  });

  test('leave out what the definition leaves out', () => {
    const index = [paragraph('a', { Depends: 'dpkg | b, c' }), paragraph('b'), paragraph('c')].join('\n');
    expect(names(index, ['a'], ['dpkg'])).toEqual(['a', 'c']);
  });

  test('a wanted package that is not there is named', () => {
    expect(() => names(paragraph('a'), ['zz'])).toThrow('The release has no package zz.');
  });
});
