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

function names(index: string, requested: readonly string[], without: readonly string[] = []): string[] {
  return resolve(readPackageIndex(index), requested, new Set(without)).map(({ name }) => name);
}

describe('dependencies', () => {
  test('are parsed with alternatives, versions and architecture qualifiers', () => {
    expect(parseDependencies('libc6 (>= 2.34), python3:any | pypy3 (<< 8), a')).toEqual([
      [{ name: 'libc6', relation: '>=', version: '2.34' }],
      [{ name: 'python3' }, { name: 'pypy3', relation: '<<', version: '8' }],
      [{ name: 'a' }]
    ]);
    expect(() => parseDependencies('a (~ 2)')).toThrow(/not a dependency/);
  });

  test('are followed transitively, even in circles', () => {
    const index = [
      paragraph('a', { Depends: 'b' }),
      paragraph('b', { 'Pre-Depends': 'c' }),
      paragraph('c', { Depends: 'a' }),
      paragraph('d')
    ].join('\n');
    expect(names(index, ['a'])).toEqual(['a', 'b', 'c']);
  });

  test('use the first available alternative, unless another is already chosen', () => {
    const index = [paragraph('a', { Depends: 'x | b | c' }), paragraph('b'), paragraph('c')].join('\n');
    expect(names(index, ['a'])).toEqual(['a', 'b']);
    expect(names(index, ['a', 'c'])).toEqual(['a', 'c']);
  });

  test('require versions', () => {
    const index = [paragraph('a', { Depends: 'b (>= 2) | c' }), paragraph('b'), paragraph('c')].join('\n');
    expect(names(index, ['a'])).toEqual(['a', 'c']);
    const none = [paragraph('a', { Depends: 'b (>= 2)' }), paragraph('b')].join('\n');
    expect(() => names(none, ['a'])).toThrow('a needs b (>= 2), which the release does not have.');
  });

  test('use the newest version in the index', () => {
    const index = [paragraph('a', { Version: '1.9' }), paragraph('a', { Version: '1.10' })].join('\n');
    expect(resolve(readPackageIndex(index), ['a'], new Set())[0]?.version).toBe('1.10');
  });

  test('are satisfied by a package that provides the name, and the version if one is required', () => {
    const index = [
      paragraph('a', { Depends: 'virtual' }),
      paragraph('e', { Depends: 'virtual (>= 1)' }),
      paragraph('b', { Provides: 'virtual' })
    ].join('\n');
    expect(names(index, ['a'])).toEqual(['a', 'b']);
    expect(() => names(index, ['e'])).toThrow(/the release does not have/);
    const versioned = [
      paragraph('e', { Depends: 'virtual (>= 1)' }),
      paragraph('b', { Provides: 'virtual (= 2)' })
    ];
    expect(names(versioned.join('\n'), ['e'])).toEqual(['b', 'e']);
  });

  test('fail if several packages provide a name and none is requested', () => {
    const index = [
      paragraph('a', { Depends: 'virtual' }),
      paragraph('b', { Provides: 'virtual' }),
      paragraph('c', { Provides: 'virtual' })
    ].join('\n');
    expect(() => names(index, ['a'])).toThrow(/several packages provide/);
    expect(names(index, ['a', 'c'])).toEqual(['a', 'c']);
  });

  test('leave out the packages that the definition leaves out', () => {
    const index = [paragraph('a', { Depends: 'dpkg | b, c' }), paragraph('b'), paragraph('c')].join('\n');
    expect(names(index, ['a'], ['dpkg'])).toEqual(['a', 'c']);
  });

  test('fail with the name of a requested package that does not exist', () => {
    expect(() => names(paragraph('a'), ['zz'])).toThrow('The release does not have the package zz.');
  });
});
