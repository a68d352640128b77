import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { readDeb } from '../../src/debian/deb.js';
import { installPackage } from '../../src/debian/install.js';
import { FileTree } from '../../src/tree/file-tree.js';
import { matcher } from '../../src/tree/glob.js';
import { ar, dpkgDeb, oddDeb, type Entry } from '../support/debs.js';
import { scratch } from '../support/scratch.js';
import { contents } from '../support/trees.js';

const nothing = matcher([]);

async function install(path: string, strip = nothing, prefix = ''): Promise<Record<string, string>> {
  const tree = new FileTree(join(await scratch(), 'tree'));
  await installPackage(path, tree, prefix, strip);
  return contents(tree);
}

async function installOdd(...entries: Entry[]): Promise<Record<string, string>> {
  return install(await oddDeb(await scratch(), entries));
}

describe('a Debian package', () => {
  test.each(['xz', 'zstd', 'gzip', 'none'] as const)(
    'made by dpkg-deb is installed (%s)',
    async compression => {
      const long = `usr/share/${'long-name-'.repeat(15)}/${'x'.repeat(120)}`;
      const path = await dpkgDeb(
        await scratch(),
        { 'bin/tool': 'T', 'usr/share/doc/s/copyright': 'C', 'usr/share/doc/s/README': 'R', [long]: 'L' },
        compression
      );
      const strip = matcher(['usr/share/doc/**', '!usr/share/doc/*/copyright']);
      expect(await install(path, strip, 'jail')).toEqual({
        'jail/usr/bin/tool': '644 T',
        'jail/usr/share/doc/s/copyright': '644 C',
        [`jail/${long}`]: '644 L'
      });
    }
  );

  test('keeps the whole content of large files', async () => {
    const text = 'all of it, '.repeat(300_000);
    const path = await dpkgDeb(await scratch(), { 'usr/large': text });
    expect((await install(path))['usr/large']).toBe(`644 ${text}`);
  });

  test('loses set-user-id bits and owners other than root', async () => {
    expect(await installOdd({ name: './usr/bin/su', mode: 0o4755, uid: 5, text: 'S' })).toEqual({
      'usr/bin/su': '755 S'
    });
  });

  test('keeps hard links as copies, and symbolic links as links', async () => {
    expect(
      await installOdd(
        { name: './bin/a', text: 'A' },
        { name: './bin/b', type: 'link', linkname: './bin/a' },
        { name: './usr/lib/x/c', type: 'symlink', linkname: '../y/c' },
        { name: './lib/x86_64-linux-gnu/d', type: 'symlink', linkname: 'd.1' },
        { name: './lib/e', type: 'symlink', linkname: '../etc/e' },
        { name: './usr/lib/f', type: 'symlink', linkname: '/lib/x86_64-linux-gnu/d.1' }
      )
    ).toEqual({
      'usr/bin/a': '644 A',
      'usr/bin/b': '644 A',
      'usr/lib/x/c': '-> ../y/c',
      'usr/lib/x86_64-linux-gnu/d': '-> d.1',
      'usr/lib/e': '-> ../../etc/e',
      'usr/lib/f': '-> x86_64-linux-gnu/d.1'
    });
  });

  test.each<[string, Entry[]]>([
    ['a path outside of the tree', [{ name: '../../etc/cron.d/x', text: 'x' }]],
    ['a hard link to a file outside', [{ name: './a', type: 'link', linkname: '../../../etc/shadow' }]],
    ['a device', [{ name: './dev/sda', type: 'block-device', devmajor: 8, devminor: 0 }]],
    ['a pipe', [{ name: './run/p', type: 'fifo' }]]
  ])('is refused with %s', async (_what, entries) => {
    await expect(installOdd(...entries)).rejects.toMatchObject({ code: 'malformed' });
  });

  test('is refused if it writes below its own symbolic link', async () => {
    const entries: Entry[] = [
      { name: './a', type: 'symlink', linkname: '/tmp' },
      { name: './a/b', text: 'x' }
    ];
    await expect(installOdd(...entries)).rejects.toMatchObject({ code: 'conflict' });
  });

  test('is refused if another package has the same file', async () => {
    const tree = new FileTree(join(await scratch(), 'tree'));
    const path = await oddDeb(await scratch(), [{ name: './bin/a', text: 'A' }]);
    await installPackage(path, tree, '', nothing);
    await expect(installPackage(path, tree, '', nothing)).rejects.toThrow(
      /different entries at \/usr\/bin\/a/
    );
  });

  test.each<[string, Buffer]>([
    ['a file that is not an archive', Buffer.from('hello')],
    ['an archive without data', ar({ 'debian-binary': Buffer.from('2.0\n') })],
    [
      'an archive with two data members',
      ar({
        'debian-binary': Buffer.from('2.0\n'),
        'data.tar': Buffer.alloc(1024),
        'data.tar.gz': Buffer.alloc(1)
      })
    ],
    [
      'an archive with an unknown compression',
      ar({ 'debian-binary': Buffer.from('2.0\n'), 'data.tar.lzma': Buffer.alloc(4) })
    ],
    [
      'an archive with a member longer than the file',
      ar({ 'debian-binary': Buffer.from('2.0\n'), 'data.tar': Buffer.alloc(1024) }).subarray(0, 600)
    ]
  ])('is refused as %s', async (_what, bytes) => {
    const path = join(await scratch(), 'x.deb');
    await writeFile(path, bytes);
    await expect(readDeb(path).next()).rejects.toMatchObject({ code: 'malformed' });
  });

  test('is refused if its data is cut off', async () => {
    const path = await dpkgDeb(await scratch(), { 'usr/a': 'x'.repeat(100_000) }, 'none');
    const whole = ar({
      'debian-binary': Buffer.from('2.0\n'),
      'data.tar.gz': Buffer.from([0x1f, 0x8b, 8, 0, 0])
    });
    await writeFile(path, whole);
    await expect(install(path)).rejects.toThrow();
  });
});
