import { utf8 } from '../bytes/encoding.js';
import { CleanRoomError } from '../errors/index.js';

/** The block size of a tar, in bytes. */
export const TAR_BLOCK = 512;

/** The numeric owner of an entry. Our tars contain no names of users or groups. */
export interface TarOwner {
  readonly uid: number;
  readonly gid: number;
}

const TYPE_FLAG = { file: '0', symlink: '2', 'character-device': '3', directory: '5', pax: 'x' } as const;

/** The fields of a header. The time is always the epoch. */
export interface TarHeader {
  readonly name: string;
  readonly type: keyof typeof TYPE_FLAG;
  readonly mode: number;
  readonly owner?: TarOwner;
  readonly size?: number;
  readonly target?: string;
  readonly major?: number;
  readonly minor?: number;
}

/** The owner root. */
export const ROOT: TarOwner = { uid: 0, gid: 0 };

/** Returns the highest value whose octal digits fit into a field of `width` bytes. */
function maximum(width: number): number {
  return 8 ** (width - 1) - 1;
}

/** The width of the size field. Sizes of 8 GiB and more do not fit, and are written as a pax record. */
const SIZE_WIDTH = 12;

function octal(value: number, width: number): string {
  if (!Number.isSafeInteger(value) || value < 0 || value > maximum(width)) {
    throw new CleanRoomError('malformed', `${value} does not fit into a tar header.`);
  }
  return `${value.toString(8).padStart(width - 1, '0')}\0`;
}

/** Returns one ustar header block (POSIX.1-2001 pax, "ustar Interchange Format"). */
function headerBlock(header: TarHeader): Uint8Array {
  const { name, type, mode, owner = ROOT, size = 0, target = '', major = 0, minor = 0 } = header;
  const block = new Uint8Array(TAR_BLOCK);
  const put = (offset: number, text: string): void => {
    for (let i = 0; i < text.length; i++) block[offset + i] = text.charCodeAt(i);
  };
  put(0, name);
  put(100, octal(mode, 8));
  put(108, octal(owner.uid, 8));
  put(116, octal(owner.gid, 8));
  put(124, octal(size, SIZE_WIDTH));
  put(136, octal(0, 12));
  put(148, '        '); // the checksum is computed with spaces in its field
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

/** Returns the zeros that fill the last block of `size` bytes. */
export function padding(size: number): Uint8Array {
  return new Uint8Array((TAR_BLOCK - (size % TAR_BLOCK)) % TAR_BLOCK);
}

/** Returns a pax record. It starts with its own length in bytes, which includes the digits of this number. */
function paxRecord(key: string, value: string): string {
  const rest = utf8(` ${key}=${value}\n`).length;
  let length = rest + 1;
  while (String(length).length + rest !== length) length = String(length).length + rest;
  return `${length} ${key}=${value}\n`;
}

function fitsUstar(text: string): boolean {
  return text.length <= 100 && /^[\x20-\x7e]*$/.test(text);
}

/** Yields the blocks of a header. A pax header comes first if a path, link target or size does not fit into ustar. */
export function* headerBlocks(header: TarHeader): Generator<Uint8Array> {
  const { name, target = '', size = 0 } = header;
  const records = [
    fitsUstar(target) ? '' : paxRecord('linkpath', target),
    fitsUstar(name) ? '' : paxRecord('path', name),
    size <= maximum(SIZE_WIDTH) ? '' : paxRecord('size', String(size))
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
    size: size <= maximum(SIZE_WIDTH) ? size : 0
  });
}
