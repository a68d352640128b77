import { join } from 'node:path';
import { writeFile } from 'node:fs/promises';
import { describe, expect, test } from '@jest/globals';
import { extractFile, installWheel } from '../../src/python/install.js';
import { parseRecord, Wheel } from '../../src/python/wheel.js';
import { FileTree } from '../../src/tree/file-tree.js';
import { matcher } from '../../src/tree/glob.js';
import { scratch } from '../support/scratch.js';
import { contents } from '../support/trees.js';
import { makeWheel, type WheelSample } from '../support/wheels.js';

const PATHS = { packages: 'site', commands: 'bin', data: 'share', interpreter: '/usr/bin/python3' };
const nothing = matcher([]);

async function install(sample: WheelSample, strip = nothing): Promise<Record<string, string>> {
  const folder = await scratch();
  const tree = new FileTree(join(folder, 'tree'));
  await installWheel((await makeWheel(folder, sample)).path, tree, PATHS, strip);
  const found = await contents(tree);
  return Object.fromEntries(Object.entries(found).filter(([path]) => !/\/(?:METADATA|WHEEL)$/.test(path)));
}

describe('a wheel', () => {
  test('is installed as by an installer', async () => {
    const files = {
      'pkg/__init__.py': 'x = 1',
      'pkg/lib.so': 'binary',
      'sample-1.0.data/purelib/more.py': 'y = 2',
      'sample-1.0.data/scripts/tool': '#!python\nprint(1)\n',
      'sample-1.0.data/scripts/shell': '#!/bin/sh\n',
      'sample-1.0.data/data/etc/conf': 'c',
      'sample-1.0.data/headers/x.h': 'h',
      'sample-1.0.dist-info/entry_points.txt':
        '[console_scripts]\nrun = pkg.main:cli.go [extra]\n\n[other]\nno = pkg:no\n'
    };
    expect(await install({ files, modes: { 'pkg/lib.so': 0o100755 } })).toEqual({
      'bin/run': '755 #!/usr/bin/python3\nimport sys\nfrom pkg.main import cli\nsys.exit(cli.go())\n',
      'bin/shell': '755 #!/bin/sh\n',
      'bin/tool': '755 #!/usr/bin/python3\nprint(1)\n',
      'share/etc/conf': '644 c',
      'site/more.py': '644 y = 2',
      'site/pkg/__init__.py': '644 x = 1',
      'site/pkg/lib.so': '755 binary',
      'site/sample-1.0.dist-info/entry_points.txt': `644 ${files['sample-1.0.dist-info/entry_points.txt']}`
    });
  });

  test('loses the paths that the definition strips', async () => {
    const files = { 'pkg/a.py': '1', 'pkg/tests/b.py': '2' };
    expect(await install({ files }, matcher(['site/**/tests/']))).toEqual({ 'site/pkg/a.py': '644 1' });
  });

  test('is refused if a file does not have the hash in RECORD', async () => {
    const files = { 'pkg/a.py': '1', 'pkg/b.py': '2' };
    await expect(install({ files, wrongHash: ['pkg/b.py'] })).rejects.toMatchObject({
      code: 'digest-mismatch'
    });
  });

  test('is refused if RECORD does not contain a file', async () => {
    const files = { 'pkg/a.py': '1' };
    await expect(install({ files, unrecorded: ['pkg/a.py'] })).rejects.toThrow(
      /RECORD does not contain pkg\/a\.py/
    );
  });

  test.each(['../evil.py', '/etc/evil', 'pkg/../../evil', 'pkg//evil', 'pkg\\evil'])(
    'is refused with the name %s',
    async name => {
      await expect(install({ files: { [name]: 'x' } })).rejects.toMatchObject({ code: 'malformed' });
    }
  );

  test('is refused if it contains a symbolic link', async () => {
    const sample = { files: { 'pkg/link': '/etc/passwd' }, modes: { 'pkg/link': 0o120777 } };
    await expect(install(sample)).rejects.toThrow(/not a regular file/);
  });

  test('is refused if it contains data of an unknown kind', async () => {
    await expect(install({ files: { 'sample-1.0.data/boot/x': 'x' } })).rejects.toThrow(
      /unknown kind of data/
    );
  });

  test('is refused if another wheel has the same file', async () => {
    const folder = await scratch();
    const tree = new FileTree(join(folder, 'tree'));
    const [one, two] = [
      await makeWheel(folder, { name: 'one', files: { 'shared.py': '1' } }),
      await makeWheel(folder, { name: 'two', files: { 'shared.py': '1' } })
    ];
    await installWheel(one.path, tree, PATHS, nothing);
    await expect(installWheel(two.path, tree, PATHS, nothing)).rejects.toMatchObject({ code: 'conflict' });
  });

  test.each<[string, WheelSample]>([
    ['of a later format', { wheel: 'Wheel-Version: 2.0\n' }],
    ['with two packages', { files: { 'other-2.dist-info/WHEEL': 'Wheel-Version: 1.0\n' } }],
    ['with a weak hash', { files: { 'sample-1.0.dist-info/RECORD': 'a.py,md5=AAAA,1\n' } }]
  ])('%s is refused', async (_what, sample) => {
    await expect(install(sample)).rejects.toMatchObject({ code: 'malformed' });
  });

  test('is refused if it is not a zip archive', async () => {
    const path = join(await scratch(), 'a.whl');
    await writeFile(path, 'not a zip');
    await expect(Wheel.open(path)).rejects.toMatchObject({ code: 'malformed' });
  });

  test('can be used for a single file', async () => {
    const folder = await scratch();
    const tree = new FileTree(join(folder, 'tree'));
    const { path } = await makeWheel(folder, { files: { 'node/bin/node': 'N' } });
    await extractFile(path, 'node/bin/node', tree, 'usr/node', 0o755);
    expect(await contents(tree)).toEqual({ 'usr/node': '755 N' });
    await expect(extractFile(path, 'node/bin/npm', tree, 'usr/npm', 0o755)).rejects.toMatchObject({
      code: 'not-found'
    });
  });
});

describe('RECORD', () => {
  const hash = 'A'.repeat(43);
  test('is parsed with quoted names and without a hash of itself', () => {
    const text = `a.py,sha256=${hash},1\r\n"b,""c"".py",sha256=${hash},2\nx.dist-info/RECORD,,\n`;
    expect([...parseRecord(text).keys()]).toEqual(['a.py', 'b,"c".py']);
  });
  test.each(['md5=abc', 'sha1=abc', 'sha256=short', `sha512=${hash}`])(
    'is refused with the hash %s',
    wrong => {
      expect(() => parseRecord(`a.py,${wrong},1\n`)).toThrow(/SHA-256 for a\.py/);
    }
  );
});
