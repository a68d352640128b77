import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { utf8 } from '@clean-room/protocol/bytes';
import { FileTree } from '../../src/tree/file-tree.js';
import { scratch } from '../support/scratch.js';
import { contents } from '../support/trees.js';

let tree: FileTree;

beforeEach(async () => {
  tree = new FileTree(join(await scratch(), 'tree'));
});

describe('a file tree', () => {
  test('adds parent folders, and returns folders before their content', async () => {
    await tree.addFile('b/c/d', utf8('x'));
    await tree.addFile('b-c', utf8('y'));
    await tree.addFile('a', utf8('z'), 0o755);
    expect([...tree.entries()].map(([path]) => path)).toEqual(['a', 'b', 'b-c', 'b/c', 'b/c/d']);
    expect(await contents(tree)).toEqual({ a: '755 z', 'b-c': '644 y', 'b/c/d': '644 x' });
  });

  test('refuses two files at one path', async () => {
    await tree.addFile('a/b', utf8('x'));
    await expect(tree.addFile('./a//b', utf8('x'))).rejects.toMatchObject({ code: 'conflict' });
    expect(Buffer.from(await tree.read('a/b')).toString()).toBe('x');
  });

  test('refuses a file where a folder is, and a folder where a file is', async () => {
    await tree.addFile('a/b', utf8('x'));
    await expect(tree.addFile('a', utf8('x'))).rejects.toMatchObject({ code: 'conflict' });
    await expect(tree.addDirectory('a/b')).rejects.toMatchObject({ code: 'conflict' });
    await expect(tree.addFile('a/b/c', utf8('x'))).rejects.toThrow(/below \/a\/b, which is not a folder/);
  });

  test('never writes through a symbolic link', async () => {
    const outside = await scratch();
    await tree.addSymlink('a', outside);
    await expect(tree.addFile('a/b', utf8('x'))).rejects.toMatchObject({ code: 'conflict' });
    await expect(readFile(join(outside, 'b'))).rejects.toThrow(/ENOENT/);
  });

  test('accepts the same symbolic link twice, but not with two targets', async () => {
    await tree.addSymlink('a', 'b');
    await tree.addSymlink('a', 'b');
    await expect(tree.addSymlink('a', 'c')).rejects.toMatchObject({ code: 'conflict' });
  });

  test('accepts the same folder twice, but not with two modes', async () => {
    await tree.addDirectory('a', 0o700, { uid: 7, gid: 7 });
    await tree.addDirectory('a', 0o700, { uid: 7, gid: 7 });
    await expect(tree.addDirectory('a', 0o755)).rejects.toMatchObject({ code: 'conflict' });
  });

  test('refuses entries that contradict the layers below', async () => {
    await tree.addFile('a/b', utf8('x'));
    await tree.addDirectory('t', 0o700, { uid: 7, gid: 7 });
    const above = new FileTree(tree.root, [tree]);
    await expect(above.addFile('a/b', utf8('y'))).rejects.toMatchObject({ code: 'conflict' });
    await expect(above.addFile('a/b/c', utf8('y'))).rejects.toMatchObject({ code: 'conflict' });
    await above.addFile('t/u', utf8('y'));
    expect([...above.entries()].map(([path]) => path)).toEqual(['t', 't/u']);
    expect(above.find('t')).toEqual({ kind: 'directory', mode: 0o700, owner: { uid: 7, gid: 7 } });
  });

  test('adds a hard link as a copy', async () => {
    await tree.addFile('a', utf8('x'), 0o755);
    await tree.addCopy('b', './a');
    expect(await contents(tree)).toEqual({ a: '755 x', b: '755 x' });
    await expect(tree.addCopy('c', 'd')).rejects.toThrow(/hard link to \/d, which is not a file/);
    await expect(tree.addCopy('c', '../../etc/passwd')).rejects.toThrow(/outside of the image/);
  });
});
