import { utf8 } from '../bytes/index.js';

const BLOCK = 512;

interface Common {
  /** Relative, `/` between its parts, no trailing slash. */
  readonly path: string;
  /** Permission bits; owner and group are always 0. */
  readonly mode: number;
}

export type TarEntry =
  | (Common & { readonly type: 'directory' })
  | (Common & {
      readonly type: 'file';
      readonly size: number;
      content(): AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
    })
  | (Common & { readonly type: 'symlink'; readonly target: string })
  | (Common & { readonly type: 'character-device'; readonly major: number; readonly minor: number });

const TYPE_FLAG = { file: '0', symlink: '2', 'character-device': '3', directory: '5', pax: 'x' } as const;

interface Header {
  readonly name: string;
  readonly type: keyof typeof TYPE_FLAG;
  readonly mode: number;
  readonly size?: number;
  readonly target?: string;
  readonly major?: number;
  readonly minor?: number;
}

function octal(value: number, width: number): string {
  return `${value.toString(8).padStart(width - 1, '0')}\0`;
}

/** One ustar header (POSIX.1-2001 pax, "ustar Interchange Format"): time 0, owner 0, no names of people. */
function headerBlock({ name, type, mode, size = 0, target = '', major = 0, minor = 0 }: Header): Uint8Array {
  const block = new Uint8Array(BLOCK);
  const put = (offset: number, text: string): void => block.set(utf8(text), offset);
  put(0, name);
  put(100, octal(mode, 8));
  put(108, octal(0, 8));
  put(116, octal(0, 8));
  put(124, octal(size, 12));
  put(136, octal(0, 12));
  put(148, ' '.repeat(8));
  put(156, TYPE_FLAG[type]);
  put(157, target);
  put(257, 'ustar\x0000');
  put(329, octal(major, 8));
  put(337, octal(minor, 8));
  const sum = block.reduce((total, byte) => total + byte, 0);
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
  return utf8(text).length <= 100 && /^[\x20-\x7e]*$/.test(text);
}

/** Sizes of 8 GiB and more do not fit the twelve octal digits. */
const USTAR_MAX_SIZE = 8 ** 11 - 1;

function* headerBlocks(header: Header): Generator<Uint8Array> {
  const { name, target = '', size = 0 } = header;
  const records = [
    fitsUstar(target) ? '' : paxRecord('linkpath', target),
    fitsUstar(name) ? '' : paxRecord('path', name),
    size <= USTAR_MAX_SIZE ? '' : paxRecord('size', String(size))
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
    size: size <= USTAR_MAX_SIZE ? size : 0
  });
}

function headerOf(entry: TarEntry): Header {
  switch (entry.type) {
    case 'directory':
      return { name: `${entry.path}/`, type: 'directory', mode: entry.mode };
    case 'file':
      return { name: entry.path, type: 'file', mode: entry.mode, size: entry.size };
    case 'symlink':
      return { name: entry.path, type: 'symlink', mode: 0o777, target: entry.target };
    case 'character-device':
      return {
        name: entry.path,
        type: 'character-device',
        mode: entry.mode,
        major: entry.major,
        minor: entry.minor
      };
  }
}

/**
 * Writes entries, in the order given, as an uncompressed tar. The bytes depend on nothing but the entries: not on clock,
 * user, umask, locale or platform, and on no compressor.
 * @throws RangeError when a file's content is not as long as it said
 */
export async function* writeTar(entries: Iterable<TarEntry>): AsyncGenerator<Uint8Array> {
  for (const entry of entries) {
    yield* headerBlocks(headerOf(entry));
    if (entry.type !== 'file') continue;
    let written = 0;
    for await (const chunk of entry.content()) {
      written += chunk.length;
      yield chunk;
    }
    if (written !== entry.size)
      throw new RangeError(`${entry.path} is ${written} bytes long, not ${entry.size}`);
    yield padding(entry.size);
  }
  yield new Uint8Array(2 * BLOCK);
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
