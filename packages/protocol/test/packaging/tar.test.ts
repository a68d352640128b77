import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  mkdtempSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { extract, type Header } from 'tar-stream';
import { digestOf } from '../../src/bytes/digest.js';
import { utf8 } from '../../src/bytes/encoding.js';
import { layerBytes, tarSize, writeTar, type TarEntry } from '../../src/packaging/tar.js';

function file(path: string, text: string, mode = 0o644): TarEntry {
  const bytes = utf8(text);
  return { type: 'file', path, mode, size: bytes.length, content: () => [bytes] };
}

/** Entries that GNU tar writes in the same way. */
const plain: TarEntry[] = [
  { type: 'directory', path: 'usr', mode: 0o755 },
  { type: 'directory', path: 'usr/lib', mode: 0o755 },
  file('usr/lib/empty', ''),
  file('usr/lib/one-block', 'x'.repeat(512)),
  file('usr/lib/program', '#!/bin/sh\n', 0o755),
  { type: 'symlink', path: 'usr/lib/alias', mode: 0o777, target: 'program' },
  file('usr-local', 'sorts between usr and usr/lib\n'),
  file('Z', 'capital\n')
];

/** Entries with names that need pax records or a defined order. */
const awkward: TarEntry[] = [
  ...plain,
  file('ü/表 😀.csv', 'ü'),
  file('\uff5eafter-the-emoji-plane-in-utf-16-only', ''),
  file('😀', ''),
  file(`${'d'.repeat(120)}/${'f'.repeat(200)}`, 'long'),
  file('n'.repeat(100), 'just fits'),
  file('m'.repeat(101), 'just does not'),
  file('new\nline=7 path=/etc/passwd', 'no pax record breaks out of its length'),
  { type: 'directory', path: 'e'.repeat(100), mode: 0o755 },
  { type: 'symlink', path: 'far', mode: 0o777, target: `${'../'.repeat(60)}ü` }
];

function contentOf(entry: TarEntry & { type: 'file' }): Buffer {
  return Buffer.concat([...(entry.content() as Iterable<Uint8Array>)]);
}

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tar-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Returns the items in an order that depends only on the seed, so that a failure can be reproduced. */
function shuffled<T>(items: readonly T[], seed: number): T[] {
  let state = seed;
  const next = () => (state = (state * 1103515245 + 12345) % 2 ** 31);
  return items
    .map(item => [next(), item] as const)
    .sort(([a], [b]) => a - b)
    .map(([, item]) => item);
}

/** Reads a tar with another implementation. */
async function readBack(tar: Uint8Array): Promise<(Header & { content: Buffer })[]> {
  const entries: (Header & { content: Buffer })[] = [];
  const reader = extract();
  reader.end(Buffer.from(tar));
  for await (const entry of reader) entries.push({ ...entry.header, content: await buffer(entry) });
  return entries;
}

describe('a tar', () => {
  it('has the same bytes as in earlier versions', async () => {
    expect(digestOf(await layerBytes(awkward))).toBe(
      'sha256:152222fc8c904d43f7a598593ffb27779aad482e490b21239ac42fa062417a23'
    );
  });

  it('has the bytes that GNU tar writes', async () => {
    for (const entry of plain) {
      const path = join(folder, 'in', entry.path);
      mkdirSync(dirname(path), { recursive: true });
      if (entry.type === 'directory') mkdirSync(path, { recursive: true });
      if (entry.type === 'symlink') symlinkSync(entry.target, path);
      if (entry.type === 'file') writeFileSync(path, contentOf(entry));
      if (entry.type !== 'symlink') chmodSync(path, entry.mode);
    }
    const names = [
      'Z',
      'usr',
      'usr-local',
      'usr/lib',
      'usr/lib/alias',
      'usr/lib/empty',
      'usr/lib/one-block',
      'usr/lib/program'
    ];
    const options = [
      '--format=ustar',
      '--no-recursion',
      '--owner=0',
      '--group=0',
      '--numeric-owner',
      '--mtime=@0',
      '-b1'
    ];
    const theirs = execFileSync('tar', ['-c', ...options, '-C', join(folder, 'in'), ...names]);
    expect(digestOf(await layerBytes(plain))).toBe(digestOf(theirs));
  });

  it('has the same bytes for any order of its entries and any chunks of content', async () => {
    const digest = digestOf(await layerBytes(awkward));
    for (let seed = 1; seed <= 25; seed++) {
      const cut = shuffled(awkward, seed).map((entry): TarEntry =>
        entry.type !== 'file'
          ? entry
          : {
              ...entry,
              async *content() {
                const bytes = contentOf(entry);
                for (let at = 0; at < bytes.length; at += seed) yield bytes.subarray(at, at + seed);
              }
            }
      );
      expect(digestOf(await layerBytes(cut))).toBe(digest);
    }
  });

  it('has the announced size, also with large content', async () => {
    const chunk = new Uint8Array(1024 ** 2).fill(7);
    const entries: TarEntry[] = [
      {
        type: 'file',
        path: 'big',
        mode: 0o644,
        size: 5 * chunk.length + 3,
        content: () => [chunk, chunk, chunk, chunk, chunk, utf8('end')]
      },
      ...awkward
    ];
    const hash = createHash('sha256');
    let size = 0;
    for await (const piece of writeTar(entries)) {
      hash.update(piece);
      size += piece.length;
    }
    expect(size).toBe(tarSize(entries));
    expect(`sha256:${hash.digest('hex')}`).toBe(digestOf(await layerBytes(entries)));
  });

  it('is readable by tar-stream, with names in bytewise order and no time, user or group', async () => {
    const entries = await readBack(await layerBytes(awkward));
    const names = entries.map(({ name }) => name.replace(/\/$/, ''));
    expect(names).toEqual(
      awkward.map(({ path }) => path).sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
    );
    for (const entry of entries) {
      expect(entry).toMatchObject({ uid: 0, gid: 0, uname: '', gname: '', mtime: new Date(0) });
      const given = awkward.find(({ path }) => path === entry.name.replace(/\/$/, ''))!;
      expect(entry.type).toBe(given.type);
      expect(entry.mode).toBe(given.mode);
      if (given.type === 'file') expect(entry.content).toEqual(contentOf(given));
      if (given.type === 'symlink') expect(entry.linkname).toBe(given.target);
    }
  });

  it('is unpacked by GNU tar', async () => {
    execFileSync('tar', ['-x', '-f', '-', '-C', folder], { input: await layerBytes(awkward) });
    for (const entry of awkward) {
      const path = join(folder, entry.path);
      if (entry.type === 'symlink') expect(readlinkSync(path)).toBe(entry.target);
      if (entry.type === 'directory') expect(statSync(path).mode & 0o777).toBe(entry.mode);
      if (entry.type !== 'file') continue;
      expect(readFileSync(path)).toEqual(contentOf(entry));
      expect(statSync(path)).toMatchObject({ mtimeMs: 0 });
      expect(statSync(path).mode & 0o777).toBe(entry.mode);
    }
  });

  it('keeps numeric owners and devices', async () => {
    const entries = await readBack(
      await layerBytes([
        { type: 'directory', path: 'nb', mode: 0o700, owner: { uid: 64000, gid: 64001 } },
        { type: 'character-device', path: 'null', mode: 0o666, major: 1, minor: 3 }
      ])
    );
    expect(entries).toMatchObject([
      { name: 'nb/', type: 'directory', mode: 0o700, uid: 64000, gid: 64001 },
      { name: 'null', type: 'character-device', devmajor: 1, devminor: 3, uid: 0 }
    ]);
  });

  it('has sizes of 8 GiB and more in a pax record', async () => {
    const entry: TarEntry = { type: 'file', path: 'huge', mode: 0o644, size: 2 ** 33, content: () => [] };
    const first = await writeTar([{ ...entry, content: () => [new Uint8Array(300 * 1024)] }]).next();
    expect(Buffer.from(first.value as Uint8Array).toString('latin1', 512, 540)).toContain(
      '19 size=8589934592\n'
    );
    expect(tarSize([entry])).toBe(3 * 512 + 2 ** 33 + 1024);
  });

  it.each<[string, TarEntry[], string]>([
    ['an absolute path', [file('/etc/passwd', '')], 'malformed'],
    ['a path with ..', [file('a/../../b', '')], 'malformed'],
    ['a path with an empty part', [file('a//b', '')], 'malformed'],
    ['a trailing slash', [file('a/', '')], 'malformed'],
    ['an empty path', [file('', '')], 'malformed'],
    ['a NUL', [file('a\0b', '')], 'malformed'],
    ['half a surrogate pair', [file('\ud800', '')], 'malformed'],
    ['a link without a target', [{ type: 'symlink', path: 'a', mode: 0o777, target: '' }], 'malformed'],
    ['a link target with a NUL', [{ type: 'symlink', path: 'a', mode: 0o777, target: 'b\0' }], 'malformed'],
    ['a mode that does not fit', [file('a', '', -1)], 'malformed'],
    [
      'an owner that does not fit',
      [{ type: 'directory', path: 'a', mode: 0o755, owner: { uid: 2 ** 21, gid: 0 } }],
      'malformed'
    ],
    ['a path twice', [file('a', '1'), file('a', '2')], 'conflict'],
    ['a path below a file', [file('a', ''), file('a-b', ''), file('a/b/c', '')], 'conflict'],
    [
      'a path below a link',
      [{ type: 'symlink', path: 'a', mode: 0o777, target: '/etc' }, file('a/passwd', '')],
      'conflict'
    ],
    ['content that is too short', [{ ...file('a', ''), size: 1 } as TarEntry], 'digest-mismatch'],
    ['content that is too long', [{ ...file('a', 'abc'), size: 1 } as TarEntry], 'digest-mismatch']
  ])('is refused for %s', async (_name, entries, code) => {
    await expect(layerBytes(entries)).rejects.toMatchObject({ code });
  });
});
