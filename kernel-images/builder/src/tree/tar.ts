import { utf8 } from '@clean-room/protocol/bytes';
import type { FileTree, TreeNode } from './file-tree.js';

const BLOCK = 512;

function octal(value: number, width: number): string {
  return `${value.toString(8).padStart(width - 1, '0')}\0`;
}

interface Header {
  readonly name: string;
  readonly type: '0' | '2' | '3' | '5' | 'x';
  readonly mode: number;
  readonly uid?: number;
  readonly gid?: number;
  readonly size?: number;
  readonly target?: string;
  readonly major?: number;
  readonly minor?: number;
}

/** One ustar header block (POSIX pax, "ustar Interchange Format"). */
function block({ name, type, mode, uid = 0, gid = 0, size = 0, target = '', major = 0, minor = 0 }: Header): Uint8Array {
  const header = new Uint8Array(BLOCK);
  const put = (offset: number, text: string): void => header.set(utf8(text), offset);
  put(0, name);
  put(100, octal(mode, 8));
  put(108, octal(uid, 8));
  put(116, octal(gid, 8));
  put(124, octal(size, 12));
  put(136, octal(0, 12));
  put(148, ' '.repeat(8));
  put(156, type);
  put(157, target);
  put(257, 'ustar\x0000');
  put(329, octal(major, 8));
  put(337, octal(minor, 8));
  const sum = header.reduce((total, byte) => total + byte, 0);
  put(148, `${octal(sum, 7)} `);
  return header;
}

function padding(size: number): Uint8Array {
  return new Uint8Array((BLOCK - (size % BLOCK)) % BLOCK);
}

function paxRecord(key: string, value: string): string {
  const rest = utf8(` ${key}=${value}\n`).length;
  let length = rest + 1;
  while (String(length).length + rest !== length) length = String(length).length + rest;
  return `${length} ${key}=${value}\n`;
}

function fits(text: string): boolean {
  return utf8(text).length <= 100 && /^[\x20-\x7e]*$/.test(text);
}

function* headers(header: Header): Generator<Uint8Array> {
  const { name, target = '' } = header;
  if (fits(name) && fits(target)) {
    yield block(header);
    return;
  }
  const records = utf8(
    (fits(target) ? '' : paxRecord('linkpath', target)) + (fits(name) ? '' : paxRecord('path', name))
  );
  yield block({ name: 'PaxHeader', type: 'x', mode: 0o644, size: records.length });
  yield records;
  yield padding(records.length);
  yield block({ ...header, name: fits(name) ? name : 'long', target: fits(target) ? target : '' });
}

function toHeader(path: string, node: TreeNode): Header {
  switch (node.kind) {
    case 'directory':
      return { name: `${path}/`, type: '5', mode: node.mode, ...node.owner };
    case 'file':
      return { name: path, type: '0', mode: node.mode, size: node.size, ...node.owner };
    case 'symlink':
      return { name: path, type: '2', mode: 0o777, target: node.target };
    case 'character-device':
      return { name: path, type: '3', mode: node.mode, major: node.major, minor: node.minor };
  }
}

/**
 * A tree as an uncompressed tar: paths in bytewise order, every time the epoch, numeric owners only. The bytes depend on
 * nothing but the tree.
 */
export async function* writeTar(tree: FileTree): AsyncGenerator<Uint8Array> {
  for (const [path, node] of tree.entries()) {
    yield* headers(toHeader(path, node));
    if (node.kind === 'file') {
      yield* tree.stream(path);
      yield padding(node.size);
    }
  }
  yield new Uint8Array(2 * BLOCK);
}
