import { utf8 } from '../bytes/index.js';
import { CleanRoomError } from '../errors/index.js';
import { sortedByName } from '../submissions/index.js';
import { blocks, type Content } from './content.js';

const BLOCK = 512;

/** Numeric owner in the image; there are no names of people in our layers. */
export interface TarOwner {
  readonly uid: number;
  readonly gid: number;
}

interface Common {
  /** Relative, `/` between its parts, no trailing slash. */
  readonly path: string;
  /** Permission bits. */
  readonly mode: number;
  /** Root when absent. */
  readonly owner?: TarOwner;
}

export type TarEntry =
  | (Common & { readonly type: 'directory' })
  | (Common & {
      readonly type: 'file';
      /** In bytes; known in advance, so that the layer's size is too. */
      readonly size: number;
      /** Read when the entry is written, anew for each writing. */
      content(): Content;
    })
  | (Common & { readonly type: 'symlink'; readonly target: string })
  | (Common & { readonly type: 'character-device'; readonly major: number; readonly minor: number });

const TYPE_FLAG = { file: '0', symlink: '2', 'character-device': '3', directory: '5', pax: 'x' } as const;

interface Header {
  readonly name: string;
  readonly type: keyof typeof TYPE_FLAG;
  readonly mode: number;
  readonly owner?: TarOwner;
  readonly size?: number;
  readonly target?: string;
  readonly major?: number;
  readonly minor?: number;
}

const ROOT: TarOwner = { uid: 0, gid: 0 };

/** Highest value that fits the octal digits of a field `width` wide. */
function highest(width: number): number {
  return 8 ** (width - 1) - 1;
}

/** Sizes of 8 GiB and more stand in a pax record. */
const SIZE_WIDTH = 12;

function octal(value: number, width: number): string {
  if (!Number.isSafeInteger(value) || value < 0 || value > highest(width)) {
    throw new CleanRoomError('malformed', `${value} does not fit a tar header.`);
  }
  return `${value.toString(8).padStart(width - 1, '0')}\0`;
}

/** One ustar header (POSIX.1-2001 pax, "ustar Interchange Format"), its time always the epoch. */
function headerBlock(header: Header): Uint8Array {
  const { name, type, mode, owner = ROOT, size = 0, target = '', major = 0, minor = 0 } = header;
  const block = new Uint8Array(BLOCK);
  const put = (offset: number, text: string): void => {
    for (let i = 0; i < text.length; i++) block[offset + i] = text.charCodeAt(i);
  };
  put(0, name);
  put(100, octal(mode, 8));
  put(108, octal(owner.uid, 8));
  put(116, octal(owner.gid, 8));
  put(124, octal(size, SIZE_WIDTH));
  put(136, octal(0, 12));
  put(148, '        ');
  put(156, TYPE_FLAG[type]);
  put(157, target);
  put(257, 'ustar\x0000');
  put(329, octal(major, 8));
  put(337, octal(minor, 8));
  let sum = 0;
  for (const byte of block) sum += byte;
  put(148, `${octal(sum, 7)} `);
  return block;
}

function padding(size: number): Uint8Array {
  return new Uint8Array((BLOCK - (size % BLOCK)) % BLOCK);
}

/** A pax record names its own length, digits included. */
function paxRecord(key: string, value: string): string {
  const rest = utf8(` ${key}=${value}\n`).length;
  let length = rest + 1;
  while (String(length).length + rest !== length) length = String(length).length + rest;
  return `${length} ${key}=${value}\n`;
}

function fitsUstar(text: string): boolean {
  return text.length <= 100 && /^[\x20-\x7e]*$/.test(text);
}

function* headerBlocks(header: Header): Generator<Uint8Array> {
  const { name, target = '', size = 0 } = header;
  const records = [
    fitsUstar(target) ? '' : paxRecord('linkpath', target),
    fitsUstar(name) ? '' : paxRecord('path', name),
    size <= highest(SIZE_WIDTH) ? '' : paxRecord('size', String(size))
  ].join('');
  if (records !== '') {
    const bytes = utf8(records);
    yield headerBlock({ name: 'PaxHeader', type: 'pax', mode: 0o644, size: bytes.length });
    yield bytes;
    yield padding(bytes.length);
  }
  yield headerBlock({
    ...header,
    name: fitsUstar(name) ? name : 'long',
    target: fitsUstar(target) ? target : '',
    size: size <= highest(SIZE_WIDTH) ? size : 0
  });
}

function headerOf(entry: TarEntry): Header {
  const { path, mode, owner = ROOT } = entry;
  switch (entry.type) {
    case 'directory':
      return { name: `${path}/`, type: 'directory', mode, owner };
    case 'file':
      return { name: path, type: 'file', mode, owner, size: entry.size };
    case 'symlink':
      return { name: path, type: 'symlink', mode: 0o777, owner, target: entry.target };
    case 'character-device':
      return { name: path, type: 'character-device', mode, owner, major: entry.major, minor: entry.minor };
  }
}

/** Entries in their one order, once no two unpackers can understand them differently. */
function inOrder(entries: Iterable<TarEntry>): TarEntry[] {
  const sorted = sortedByName([...entries], entry => entry.path);
  const types = new Map<string, TarEntry['type']>();
  for (const { path, type } of sorted) {
    const parts = path.split('/');
    if (!path.isWellFormed() || path.includes('\0') || parts.some(part => ['', '.', '..'].includes(part))) {
      throw new CleanRoomError('malformed', `"${path.slice(0, 200)}" is no path inside a layer.`);
    }
    if (types.has(path)) throw new CleanRoomError('conflict', `"${path}" stands twice in a layer.`);
    types.set(path, type);
    for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1)) {
      const above = types.get(path.slice(0, end));
      if (above === 'directory') break;
      if (above !== undefined) throw new CleanRoomError('conflict', `"${path}" lies below a file or link.`);
    }
  }
  return sorted;
}

async function* exactly(size: number, path: string, content: Content): AsyncGenerator<Uint8Array> {
  let written = 0;
  for await (const chunk of content) {
    written += chunk.length;
    if (written > size) break;
    yield chunk;
  }
  if (written !== size) {
    throw new CleanRoomError('digest-mismatch', `"${path}" changed its size while it was packaged.`, {
      remedy: 'Submit again.'
    });
  }
}

async function* parts(entries: readonly TarEntry[]): AsyncGenerator<Uint8Array> {
  for (const entry of entries) {
    yield* headerBlocks(headerOf(entry));
    if (entry.type !== 'file') continue;
    yield* exactly(entry.size, entry.path, entry.content());
    yield padding(entry.size);
  }
  yield new Uint8Array(2 * BLOCK);
}

/**
 * Writes an uncompressed tar (ustar, with pax records for what does not fit), the paths in bytewise order whatever the
 * order they are given in. The bytes depend on nothing but the entries: not on clock, user, umask, locale or platform,
 * and on no compressor. Folders above an entry are not made up: give them as entries.
 * @throws CleanRoomError `malformed` for a path or number that a tar can't hold, `conflict` for a path that stands twice
 * or lies below a file, `digest-mismatch` when content is not as long as it said
 */
export function writeTar(entries: Iterable<TarEntry>): AsyncGenerator<Uint8Array> {
  return blocks(parts(inOrder(entries)));
}

/** The size of the tar that {@link writeTar} will write, in bytes, without reading any content. */
export function tarSize(entries: Iterable<TarEntry>): number {
  let size = 2 * BLOCK;
  for (const entry of entries) {
    for (const block of headerBlocks(headerOf(entry))) size += block.length;
    if (entry.type === 'file') size += entry.size + padding(entry.size).length;
  }
  return size;
}

/** The whole tar in memory: for small layers and tests. */
export async function layerBytes(entries: Iterable<TarEntry>): Promise<Uint8Array> {
  const list = [...entries];
  const whole = new Uint8Array(tarSize(list));
  let offset = 0;
  for await (const chunk of writeTar(list)) {
    whole.set(chunk, offset);
    offset += chunk.length;
  }
  return whole;
}
