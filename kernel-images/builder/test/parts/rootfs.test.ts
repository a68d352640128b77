import { join } from 'node:path';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { addJailBase, addOuterBase } from '../../src/parts/rootfs.js';
import { FileTree } from '../../src/tree/file-tree.js';
import { scratch } from '../support/scratch.js';

let tree: FileTree;

beforeEach(async () => {
  tree = new FileTree(join(await scratch(), 'tree'));
});

describe('the jail', () => {
  beforeEach(() => addJailBase(tree, '3.11'));

  test("lets the sandbox's user write only to three folders", () => {
    const own = [...tree.entries()].filter(([, node]) => 'owner' in node && node.owner.uid !== 0);
    expect(own.map(([path]) => path)).toEqual(['jail/dev/shm', 'jail/nb', 'jail/tmp']);
    for (const [, node] of own)
      expect(node).toMatchObject({ kind: 'directory', mode: 0o700, owner: { uid: 10001, gid: 10001 } });
    const open = [...tree.entries()].filter(
      ([, node]) => 'mode' in node && node.kind !== 'character-device' && (node.mode & 0o022) !== 0
    );
    expect(open).toEqual([]);
  });

  test('has five devices', () => {
    const devices = [...tree.entries()].filter(([, node]) => node.kind === 'character-device');
    expect(devices.map(([path, node]) => [path, 'minor' in node && node.minor])).toEqual([
      ['jail/dev/full', 7],
      ['jail/dev/null', 3],
      ['jail/dev/random', 8],
      ['jail/dev/urandom', 9],
      ['jail/dev/zero', 5]
    ]);
  });

  test.each(['proc', 'sys', 'run', 'data', 'clean-room'])('has an empty folder %s', name => {
    expect(tree.find(`jail/${name}`)).toMatchObject({ kind: 'directory', mode: 0o755, owner: { uid: 0 } });
    expect([...tree.entries()].some(([path]) => path.startsWith(`jail/${name}/`))).toBe(false);
  });

  test('has a name for its user', async () => {
    expect(Buffer.from(await tree.read('jail/etc/passwd')).toString()).toContain('nb:x:10001:10001:');
  });
});

test("the supervisor's system has only the user root, and does not contain the jail's files", async () => {
  await addOuterBase(tree);
  expect(Buffer.from(await tree.read('etc/passwd')).toString()).toBe('root:x:0:0:root:/root:/nonexistent\n');
  expect(tree.find('root')).toMatchObject({ mode: 0o700 });
  expect([...tree.entries()].filter(([path]) => path.startsWith('jail/'))).toEqual([]);
});
