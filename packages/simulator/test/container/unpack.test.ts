import { beforeAll, describe, expect, test } from '@jest/globals';
import {
  chmodSync,
  existsSync,
  lstatSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  writeFileSync
} from 'node:fs';
import { join } from 'node:path';
import { LayoutStore } from '@clean-room/oci/layout';
import { digestOf, type Digest } from '@clean-room/protocol/bytes';
import { isRoot } from '../../src/container/tools.js';
import { UnpackedLayers } from '../../src/container/unpack.js';
import { rawLayer } from '../support/image.js';
import { workspace } from '../support/workspace.js';

const root = workspace();
const outside = join(root, 'outside');
let store: LayoutStore;
let rounds = 0;

beforeAll(async () => {
  store = await LayoutStore.open(join(root, 'layout'));
  writeFileSync(outside, 'untouched');
});

type Entry = Parameters<typeof rawLayer>[0][number];
const file = (name: string, content = name): Entry => ({ name, content });
const folder = (name: string, mode = 0o755): Entry => ({ name, type: 'directory', mode });

async function writeLayer(bytes: Buffer): Promise<Digest> {
  const digest = digestOf(bytes);
  await store.writeBlob(digest, bytes.length, async function* () {
    yield await Promise.resolve(bytes);
  });
  return digest;
}

async function unpack(...layers: Entry[][]): Promise<string[]> {
  const digests: Digest[] = [];
  for (const entries of layers) digests.push(await writeLayer(await rawLayer(entries)));
  return new UnpackedLayers(join(root, `cache-${rounds++}`)).stack(store, digests);
}

/** Returns the content of a file as overlayfs shows it through the layers. */
function readThrough(stack: readonly string[], path: string): string | undefined {
  const layer = stack.find(
    candidate => lstatSync(join(candidate, path), { throwIfNoEntry: false }) !== undefined
  );
  return layer === undefined ? undefined : readFileSync(join(layer, path), 'utf8');
}

describe('unpacking layers', () => {
  test('creates files, folders, links, modes and times', async () => {
    const [only = ''] = await unpack([
      folder('d', 0o555),
      { ...file('d/tool', 'x'), mode: 0o4755, mtime: new Date('2001-02-03T04:05:06Z') },
      { name: 'link', type: 'symlink', linkname: '/d/tool' },
      { name: 'hard', type: 'link', linkname: 'd/tool' },
      file('./plain'),
      { name: './', type: 'directory' }
    ]);
    expect(statSync(join(only, 'd')).mode & 0o7777).toBe(0o555);
    const tool = statSync(join(only, 'd/tool'));
    expect(tool.mode & 0o7777).toBe(0o4755);
    expect(tool.mtime).toEqual(new Date('2001-02-03T04:05:06Z'));
    expect(tool.nlink).toBe(2);
    expect(readlinkSync(join(only, 'link'))).toBe('/d/tool');
    expect(readFileSync(join(only, 'plain'), 'utf8')).toBe('./plain');
    chmodSync(join(only, 'd'), 0o755);
  });

  test('creates a device for root and an empty file for other users', async () => {
    const [only = ''] = await unpack([
      { name: 'null', type: 'character-device', devmajor: 1, devminor: 3, mode: 0o666 }
    ]);
    const made = lstatSync(join(only, 'null'));
    expect(made.isCharacterDevice()).toBe(isRoot());
    if (isRoot()) expect(made.rdev).toBe(0x103);
    else expect(made.size).toBe(0);
  });

  test('unpacks every layer once and shares it', async () => {
    const [base, one, two] = [
      await rawLayer([file('a')]),
      await rawLayer([file('b')]),
      await rawLayer([file('c')])
    ];
    const digests = await Promise.all([base, one, two].map(writeLayer));
    const [b, o, t] = digests as [Digest, Digest, Digest];
    const cache = join(root, 'shared-cache');
    const [first, second] = await Promise.all([
      new UnpackedLayers(cache).stack(store, [b, o]),
      new UnpackedLayers(cache).stack(store, [b, t])
    ]);
    expect(first[1]).toBe(second[1]);
    expect(first[0]).not.toBe(second[0]);
    const inode = lstatSync(join(first[1] ?? '', 'a')).ino;
    await new UnpackedLayers(cache).stack(store, [b, o]);
    expect(lstatSync(join(first[1] ?? '', 'a')).ino).toBe(inode);
    const drafts = readdirSync(join(cache, readdirSync(cache)[0] ?? '')).filter(name =>
      name.includes('draft')
    );
    expect(drafts).toEqual([]);
  });
});

describe('layers that change those below', () => {
  const base = [folder('d'), file('d/a'), file('d/b'), folder('d/sub'), file('d/sub/x'), file('keep')];

  test('a whiteout removes one entry, which may be a folder', async () => {
    const stack = await unpack(base, [
      folder('d'),
      file('d/.wh.a', ''),
      file('d/.wh.sub', ''),
      file('d/new')
    ]);
    expect(readThrough(stack, 'd/a')).toBeUndefined();
    expect(readThrough(stack, 'd/sub/x')).toBeUndefined();
    expect([readThrough(stack, 'd/b'), readThrough(stack, 'keep'), readThrough(stack, 'd/new')]).toEqual([
      'd/b',
      'keep',
      'd/new'
    ]);
  });

  test('an opaque whiteout removes the content of a folder, except for files of its own layer', async () => {
    const stack = await unpack(base, [
      folder('d'),
      file('d/b', 'newer'),
      folder('d/sub'),
      file('d/sub/y'),
      file('d/.wh..wh..opq', '')
    ]);
    expect([readThrough(stack, 'd/a'), readThrough(stack, 'd/sub/x')]).toEqual([undefined, undefined]);
    expect([readThrough(stack, 'd/b'), readThrough(stack, 'd/sub/y')]).toEqual(['newer', 'd/sub/y']);
  });

  test('the next layer is on top of the result', async () => {
    const stack = await unpack(base, [file('d/.wh.a', '')], [folder('d'), file('d/c')]);
    expect(stack).toHaveLength(2);
    expect([readThrough(stack, 'd/a'), readThrough(stack, 'd/b'), readThrough(stack, 'd/c')]).toEqual([
      undefined,
      'd/b',
      'd/c'
    ]);
  });

  test('a folder without an entry keeps its attributes from the layer below', async () => {
    const stack = await unpack([folder('t', 0o1777)], [file('t/x')]);
    expect(statSync(join(stack[0] ?? '', 't')).mode & 0o7777).toBe(0o1777);
  });

  test('a file can replace a folder, and a folder a file', async () => {
    const stack = await unpack(base, [file('.wh.keep', ''), file('d', 'now a file'), folder('keep')]);
    expect(readThrough(stack, 'd')).toBe('now a file');
    expect(statSync(join(stack[0] ?? '', 'keep')).isDirectory()).toBe(true);
  });
});

describe('is refused without leaving a file', () => {
  const escape: [string, Entry[]][] = [
    ['a name with ..', [file('../outside', 'x')]],
    ['a name with .. inside', [folder('a'), file('a/../../outside', 'x')]],
    [
      'a link, then a file through it',
      [{ name: 'l', type: 'symlink', linkname: root }, file('l/outside', 'x')]
    ],
    ['a link, then a folder through it', [{ name: 'l', type: 'symlink', linkname: '..' }, folder('l/made')]],
    ['a hard link to something outside', [{ name: 'h', type: 'link', linkname: '../../../outside' }]],
    [
      'a hard link through a link',
      [
        { name: 'l', type: 'symlink', linkname: root },
        { name: 'h', type: 'link', linkname: 'l/outside' }
      ]
    ],
    [
      'a hard link to a link',
      [
        { name: 'l', type: 'symlink', linkname: outside },
        { name: 'h', type: 'link', linkname: 'l' }
      ]
    ],
    ['a hard link to nothing', [{ name: 'h', type: 'link', linkname: 'absent' }]],
    ['a whiteout of ..', [folder('a'), file('a/.wh...', '')]],
    ['a file below a file', [file('f'), file('f/x')]],
    ['a block device', [{ name: 'b', type: 'block-device', devmajor: 8, devminor: 0 }]],
    ['a pipe', [{ name: 'p', type: 'fifo' }]]
  ];
  test.each(escape)('%s', async (_, entries) => {
    for (const layers of [[entries], [[file('base')], entries]]) {
      await expect(unpack(...layers)).rejects.toMatchObject({ code: 'malformed' });
      const cache = join(root, `cache-${rounds - 1}`);
      const left = readdirSync(join(cache, readdirSync(cache)[0] ?? '')).filter(name =>
        name.includes('draft')
      );
      expect(left).toEqual([]);
    }
    expect(readFileSync(outside, 'utf8')).toBe('untouched');
    expect(existsSync(join(root, 'made'))).toBe(false);
  });

  test('an absolute name stays inside', async () => {
    const [only = ''] = await unpack([file(join(outside, 'x'))]);
    expect(existsSync(join(only, outside, 'x'))).toBe(true);
    expect(readFileSync(outside, 'utf8')).toBe('untouched');
  });

  test('a file that replaces a link does not go through it', async () => {
    const [only = ''] = await unpack([{ name: 'f', type: 'symlink', linkname: outside }, file('f', 'new')]);
    expect(lstatSync(join(only, 'f')).isFile()).toBe(true);
    expect(readFileSync(outside, 'utf8')).toBe('untouched');
  });

  test('a layer whose last byte differs from its digest', async () => {
    const bytes = await rawLayer([file('a'), file('b', 'x'.repeat(3_000_000))]);
    const digest = await writeLayer(bytes);
    const changed = Buffer.from(bytes);
    changed[bytes.length - 1] = 1;
    const path = store.blobPath(digest);
    chmodSync(path, 0o644);
    writeFileSync(path, changed);
    const cache = join(root, 'tampered');
    await expect(new UnpackedLayers(cache).stack(store, [digest])).rejects.toMatchObject({
      code: 'digest-mismatch'
    });
    expect(
      readdirSync(join(cache, readdirSync(cache)[0] ?? '')).filter(name => !name.endsWith('.lock'))
    ).toEqual([]);
  });

  test('a missing layer, and one that is not an archive', async () => {
    const missing = new UnpackedLayers(join(root, 'missing')).stack(store, [
      digestOf(Buffer.from('never stored'))
    ]);
    await expect(missing).rejects.toMatchObject({ code: 'image-unknown' });
    const garbage = await writeLayer(Buffer.alloc(2048, 'x'));
    const broken = new UnpackedLayers(join(root, 'garbage')).stack(store, [garbage]);
    await expect(broken).rejects.toMatchObject({ code: 'malformed' });
    const cut = await writeLayer((await rawLayer([file('a', 'x'.repeat(5000))])).subarray(0, 2048));
    const short = new UnpackedLayers(join(root, 'short')).stack(store, [cut]);
    await expect(short).rejects.toMatchObject({ code: 'malformed' });
  });
});
